"""Proxies whose calls go straight to shared memory.

Each is an instance of the standard library's class for its kind; nothing of that one's conversation
with a server is left. A proxy that comes to another machine, or to another user, becomes the
standard library's own, which calls the same object through the server's socket.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from multiprocessing import context, process
from multiprocessing import managers as standard
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar

from interlock.errors import LockNotHeld, LockNotOwned
from interlock.managers.lending.handle import Handle, Parcel, parcel, tell, unpack
from interlock.managers.lending.reference import PARK, TAKE, YES, Reference
from interlock.managers.memory.dict import DictMethods
from interlock.managers.memory.list import ListMethods
from interlock.managers.memory.things import ArrayMethods, NamespaceMethods, ValueMethods
from interlock.managers.memory.values import PLAIN, embedding

__all__ = ["PROXIES", "SharedProxy", "remote"]

# What of the standard library's is not in its type stubs.
_standard: Any = standard
if TYPE_CHECKING:  # where the methods that both have would have to be declared alike
    _Dict: Any = object
    _List: Any = object
    _Namespace: Any = object
    _Value: Any = object
else:
    _Dict, _List = standard.DictProxy, standard.ListProxy
    _Namespace, _Value = standard.NamespaceProxy, standard.ValueProxy
_NO_KEYWORDS: Any = MappingProxyType({})


class NotAcquired(LockNotHeld, LockNotOwned, RuntimeError):
    """A lock was released, or a condition used, by who has not got it.

    A RuntimeError, as the locks of `threading` raise, which the standard library's managers share.
    """


class SharedProxy(standard.BaseProxy):
    """A proxy of what is in shared memory.

    Args:
        handle: The referent.
        manager: The one that made it.
        authkey: For proxies of it on other machines.

    If a process dies: what it held is given back; the referent stays while anybody has it.
    """

    _exposed_: ClassVar[tuple[str, ...]] = ()
    _remote: ClassVar[Any] = _standard.AutoProxy  # what it becomes elsewhere

    def __init__(self, handle: Handle, manager: Any = None, authkey: bytes | None = None) -> None:
        of = handle.reference
        self._handle = handle
        self._token = standard.Token(of.typeid, of.address, of.name)
        self._id = of.name
        self._serializer = of.serializer
        self._manager = manager
        self._owned_by_manager = False
        key = authkey or process.current_process().authkey
        self._authkey = process.AuthenticationString(key)  # type: ignore[attr-defined]
        if values := getattr(handle.what, "_values", None):
            values.gave = partial(_give, of, self._authkey)
        self._take(handle.what)

    def _take(self, what: Any) -> None:
        """Have what the methods work on."""

    def _callmethod(self, methodname: str, args: Any = (), kwds: Any = _NO_KEYWORDS) -> Any:
        if methodname in ("__repr__", "__str__"):
            return repr(self._handle.what)
        if methodname not in self._exposed_:
            raise AttributeError(f"{methodname!r} is not exposed by {type(self).__name__}")
        return getattr(self._handle.what, methodname)(*args, **kwds)

    def _getvalue(self) -> Any:
        raise TypeError(f"a {self._handle.reference.typeid} has no value that could be copied")

    def __deepcopy__(self, memo: Any) -> Any:
        return self._getvalue()

    def __reduce__(self) -> tuple[Any, ...]:
        key = self._authkey if context.get_spawning_popen() is not None else None
        return _arrived, (type(self), self._handle.reference, parcel(self._handle), key)


def _give(of: Reference, key: bytes, value: Any) -> None:
    """Let the server keep what the standard library's proxies in a value stand for."""
    client = _standard.listener_client[of.serializer][1]
    with client(of.address, authkey=key) as line:
        _standard.dispatch(line, None, "keep_within", (of.name, value))


def _arrived(kind: type[SharedProxy], of: Reference, given: Parcel, key: bytes | None) -> Any:
    handle = unpack(of, given)
    return remote(kind, of, key) if handle is None else kind(handle, authkey=key)


def remote(kind: type[SharedProxy], of: Reference, key: bytes | None) -> Any:
    """A proxy that calls the referent through its server."""
    token = standard.Token(of.typeid, of.address, of.name)
    keywords: dict[str, Any] = {} if key is None else {"authkey": key}
    if kind._remote is _standard.AutoProxy:
        keywords["exposed"] = kind._exposed_
    return _standard.RebuildProxy(kind._remote, token, of.serializer, keywords)


def _calls(*names: str) -> Callable[[type[SharedProxy]], type[SharedProxy]]:
    """Gives a class methods that are those of the object."""

    def add(kind: type[SharedProxy]) -> type[SharedProxy]:
        for name in names:
            if name not in vars(kind):
                setattr(kind, name, _call(name))
        kind._exposed_ = names
        return kind

    return add


def _call(name: str) -> Any:
    def call(self: SharedProxy, *args: Any, **kwds: Any) -> Any:
        return getattr(self._handle.what, name)(*args, **kwds)

    call.__name__ = name
    return call


class DictProxy(DictMethods, SharedProxy, _Dict):  # type: ignore[misc]
    """A dict."""

    _exposed_ = (*_standard.DictProxy._exposed_, "__reversed__", "fromkeys")
    _remote = _standard.DictProxy

    def _take(self, what: Any) -> None:
        self._map, self._values = what._map, what._values


class ListProxy(ListMethods, SharedProxy, _List):  # type: ignore[misc]
    """A list."""

    _exposed_ = (*_standard.ListProxy._exposed_, "__iter__", "clear", "copy")
    _remote = _standard.ListProxy

    def _take(self, what: Any) -> None:
        self._map, self._lock, self._values = what._map, what._lock, what._values


class ValueProxy(ValueMethods, SharedProxy, _Value):  # type: ignore[misc]
    """One value."""

    _exposed_ = _standard.ValueProxy._exposed_
    _remote = _standard.ValueProxy

    def _take(self, what: Any) -> None:
        self._map, self._values = what._map, what._values


class NamespaceProxy(NamespaceMethods, SharedProxy, _Namespace):  # type: ignore[misc]
    """Attributes."""

    _exposed_ = _standard.NamespaceProxy._exposed_
    _remote = _standard.NamespaceProxy

    def _take(self, what: Any) -> None:
        self._map, self._values = what._map, what._values

    def _getvalue(self) -> Any:
        return standard.Namespace(**self._everything())

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        return self._read(name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            object.__setattr__(self, name, value)
        else:
            self._write(name, value)

    def __delattr__(self, name: str) -> None:
        if name.startswith("_"):
            object.__delattr__(self, name)
        else:
            self._remove(name)


class ArrayProxy(ArrayMethods, SharedProxy, _standard.ArrayProxy):  # type: ignore[misc]
    """Numbers."""

    _exposed_ = _standard.ArrayProxy._exposed_
    _remote = _standard.ArrayProxy

    def _take(self, what: Any) -> None:
        self._typecode, self._buffer, self._size = what._typecode, what._buffer, what._size


@_calls(
    "empty", "full", "get", "get_nowait", "join", "put", "put_nowait", "qsize", "shutdown",
    "task_done",
)  # fmt: skip
class QueueProxy(SharedProxy):
    """A queue, which keeps what proxies in its messages stand for."""

    def put(self, item: Any, block: bool = True, timeout: float | None = None) -> None:
        """As `queue.Queue.put`.

        Raises:
            Full: There was no room in time.
            SerializationError: The item cannot travel.

        If a process dies: as in `interlock.Queue`.
        """
        if type(item) in PLAIN:
            self._handle.what.put(item, block, timeout)
            return
        of, parked = self._handle.reference, list[str]()

        def park(lender: str, name: str) -> str | None:
            if lender != of.lender or not _is_done(tell(lender, PARK, f"{of.name} {name}")):
                return None
            parked.append(name)
            return of.name

        before, embedding.parking = embedding.parking, park
        try:
            self._handle.what.put(item, block, timeout)
        except BaseException:
            for name in parked:
                tell(of.lender, TAKE, f"{of.name} {name}")
            raise
        finally:
            embedding.parking = before

    def put_nowait(self, item: Any) -> None:
        """As `queue.Queue.put_nowait`."""
        self.put(item, False)


def _is_done(answer: Any) -> bool:
    return answer is not None and answer[0] == YES


class AcquirerProxy(SharedProxy, _standard.AcquirerProxy):  # type: ignore[misc]
    """A lock or semaphore."""

    _exposed_ = _standard.AcquirerProxy._exposed_
    _remote = _standard.AcquirerProxy

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """As `threading.Lock.acquire`.

        Raises:
            AbandonedLockError: As in `interlock.Lock`.

        If a process dies: as in `interlock.Lock`.
        """
        endless = timeout is None or timeout == -1
        return self._handle.what.acquire(blocking, None if endless else timeout)  # type: ignore[no-any-return]

    def release(self) -> None:
        """As `threading.Lock.release`.

        Raises:
            NotAcquired: Nobody has it; a RuntimeError.
        """
        try:
            self._handle.what.release()
        except (LockNotHeld, LockNotOwned) as error:
            raise NotAcquired(str(error)) from None

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class ConditionProxy(AcquirerProxy, _standard.ConditionProxy):  # type: ignore[misc]
    """A condition."""

    _exposed_ = _standard.ConditionProxy._exposed_
    _remote = _standard.ConditionProxy

    def wait(self, timeout: float | None = None) -> bool:
        """As `threading.Condition.wait`.

        Raises:
            NotAcquired: This thread has not got the lock; a RuntimeError.

        If a process dies: as in `interlock.Condition`.
        """
        return _owned(self._handle.what.wait, timeout)  # type: ignore[no-any-return]

    def wait_for(self, predicate: Callable[[], Any], timeout: float | None = None) -> Any:
        """As `threading.Condition.wait_for`.

        Raises:
            NotAcquired: This thread has not got the lock; a RuntimeError.

        If a process dies: as in `interlock.Condition`.
        """
        return _owned(self._handle.what.wait_for, predicate, timeout)

    def notify(self, n: int = 1) -> None:
        """As `threading.Condition.notify`."""
        _owned(self._handle.what.notify, n)

    def notify_all(self) -> None:
        """As `threading.Condition.notify_all`."""
        _owned(self._handle.what.notify_all)


def _owned(call: Callable[..., Any], *args: Any) -> Any:
    try:
        return call(*args)
    except LockNotOwned as error:
        raise NotAcquired(str(error)) from None


@_calls(*_standard.EventProxy._exposed_)
class EventProxy(SharedProxy, _standard.EventProxy):  # type: ignore[misc]
    """An event."""

    _remote = _standard.EventProxy


class BarrierProxy(SharedProxy, _standard.BarrierProxy):  # type: ignore[misc]
    """A barrier."""

    _exposed_ = _standard.BarrierProxy._exposed_
    _remote = _standard.BarrierProxy

    def wait(self, timeout: float | None = None) -> int:
        """As `threading.Barrier.wait`.

        Raises:
            BrokenBarrier: As in `interlock.Barrier`.

        If a process dies: as in `interlock.Barrier`.
        """
        return self._handle.what.wait(timeout)  # type: ignore[no-any-return]


# By the name of their kind.
PROXIES: dict[str, type[SharedProxy]] = {
    "Array": ArrayProxy,
    "Barrier": BarrierProxy,
    "BoundedSemaphore": AcquirerProxy,
    "Condition": ConditionProxy,
    "Event": EventProxy,
    "JoinableQueue": QueueProxy,
    "Lock": AcquirerProxy,
    "Namespace": NamespaceProxy,
    "Queue": QueueProxy,
    "RLock": AcquirerProxy,
    "Semaphore": AcquirerProxy,
    "Value": ValueProxy,
    "dict": DictProxy,
    "list": ListProxy,
}
