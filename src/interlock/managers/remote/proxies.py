"""Proxies of what is in a server by TCP.

Each is an instance of the class that is registered for its typeid, `multiprocessing`'s own or the
program's, whose methods all call `_callmethod`; that, and what becomes of a proxy when it is
copied, sent or dropped, is ours.

    to its own server (an argument, an item)   a reference: the server looks it up
    anywhere else (a pickle)                   where the server is, and a ticket: whoever unpickles
                                               it claims the object, once, within a minute
    by fork                                    line.py
    dropped                                    the client gives the reference back
"""

from __future__ import annotations

import array
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from multiprocessing import context, process
from multiprocessing import managers as standard
from types import MappingProxyType
from typing import Any, ClassVar

from interlock.managers.client import Pipeline
from interlock.managers.kinds.pools import name_of
from interlock.managers.memory.values import embedding
from interlock.managers.objects import may_be_exposed
from interlock.managers.references import REFERENCE, Reference, encode_reference
from interlock.managers.remote.line import Line, connected_to, line_to
from interlock.managers.remote.place import Place, as_lists
from interlock.managers.remote.twins import Twin
from interlock.managers.serving.fences import FencingToken
from interlock.serialize.registry import add_alike

__all__ = ["RemoteProxy", "proxy_of"]

_standard: Any = standard
_NO_KEYWORDS: Any = MappingProxyType({})


class RemoteProxy(standard.BaseProxy):
    """A proxy of what is in a server by TCP; made by `proxy_of`.

    If a process dies: the server: `ServerGone` from each call.
    """

    _called: ClassVar[dict[str, str]] = {}  # what the server calls some methods

    def __init__(self, reference: Reference, line: Line) -> None:
        place = line.place
        self._reference, self._line = reference, line
        self._token = standard.Token(reference.typeid, place.address, reference.id)
        self._id = reference.id
        self._serializer = "pickle"
        self._manager = None
        self._owned_by_manager = False
        self._authkey = process.AuthenticationString(place.key or b"")  # type: ignore[attr-defined]

    def _callmethod(self, methodname: str, args: Any = (), kwds: Any = _NO_KEYWORDS) -> Any:
        client = self._line.here()
        name = self._called.get(methodname, methodname)
        if self._line.place.as_lists:
            args, kwds = as_lists(list(args)), as_lists(dict(kwds))
        return client.call(self._reference, name, *args, **kwds)

    def _getvalue(self) -> Any:
        raise TypeError(f"a {self._reference.typeid} has no value that could be copied")

    def __deepcopy__(self, memo: Any) -> Any:
        return self._getvalue()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._reference.typeid} at {self._line.place.address}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, RemoteProxy) and self._reference == other._reference

    def __hash__(self) -> int:
        return hash(self._reference)

    def __reduce__(self) -> tuple[Any, ...]:
        if embedding.names is not None:
            raise TypeError(
                f"{self!r} cannot be kept by what is in shared memory: it would be gone within a "
                "minute. Store it in a dict or list of its own manager."
            )
        place = self._line.place
        key = self._authkey if context.get_spawning_popen() is not None else None
        where = replace(place, key=None)
        ticket = self._line.here().share(self._reference)
        kind = self._line.proxytypes.get(self._reference.typeid)
        has_key = place.key is not None
        return _arrived, (where, has_key, key, ticket, self._reference.typeid, kind)

    # ---- more than `multiprocessing` has -----------------------------------------------------

    def _pipeline(self) -> AbstractContextManager[Pipeline]:
        return self._line.here().pipeline()

    def _aio(self) -> Twin:
        return Twin(self._reference, self._line)

    def _under(self, token: FencingToken) -> Any:
        client = self._line.here()
        client._access.check_held(self._reference)
        return client.call(0, "under", self._reference.id, token.lock, token.number)


def _arrived(
    place: Place, has_key: bool, key: bytes | None, ticket: bytes, typeid: str, kind: Any
) -> Any:
    place = replace(place, key=key and bytes(key))
    if has_key and key is None:  # keys do not travel
        known = bytes(process.current_process().authkey)
        place = connected_to(place) or replace(place, key=known)
    line = line_to(place)
    if kind is not None:
        line.proxytypes.setdefault(typeid, kind)
    return line.here().claim(ticket)


class _More:
    """What proxies have beside the methods of their object."""

    pipeline: Any = RemoteProxy._pipeline
    aio = property(RemoteProxy._aio)
    under: Any = RemoteProxy._under


class DictProxy(RemoteProxy, _standard.DictProxy, _More):  # type: ignore[misc]
    """A dict."""

    __hash__ = RemoteProxy.__hash__

    def _getvalue(self) -> Any:
        return self._callmethod("copy")

    def __iter__(self) -> Iterator[Any]:
        return iter(self._callmethod("keys"))

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._callmethod("__reversed__"))

    def __or__(self, other: Any) -> Any:
        return self._getvalue() | dict(other)

    def __ior__(self, other: Any) -> Any:
        self._callmethod("__ior__", (dict(other),))
        return self


class ListProxy(RemoteProxy, _standard.ListProxy, _More):  # type: ignore[misc]
    """A list."""

    __hash__ = RemoteProxy.__hash__

    def _getvalue(self) -> Any:
        return self._callmethod("copy")

    def __iter__(self) -> Iterator[Any]:
        return iter(self._callmethod("copy"))

    def __reversed__(self) -> Iterator[Any]:
        return iter(self._callmethod("__reversed__"))

    def copy(self) -> Any:
        """A list with the same items."""
        return self._callmethod("copy")

    def clear(self) -> None:
        """Remove all items."""
        self._callmethod("clear")

    def extend(self, items: Any) -> None:
        """Add all of them at the end."""
        self._callmethod("extend", (list(items),))

    def __iadd__(self, items: Any) -> Any:
        self.extend(items)
        return self


class ValueProxy(RemoteProxy, _standard.ValueProxy, _More):  # type: ignore[misc]
    """One value."""

    def _getvalue(self) -> Any:
        return _standard.Value(*self._callmethod("copy"))


class ArrayProxy(RemoteProxy, _standard.ArrayProxy, _More):  # type: ignore[misc]
    """Numbers of one type."""

    def _getvalue(self) -> array.array[Any]:
        made: array.array[Any] = self._callmethod("copy")
        return made

    def __iter__(self) -> Iterator[Any]:
        return iter(self._callmethod("__iter__"))


class NamespaceProxy(RemoteProxy, _standard.NamespaceProxy):  # type: ignore[misc]
    """Attributes; all names without an underscore are the object's."""

    _called: ClassVar[dict[str, str]] = {
        "__getattribute__": "read",
        "__setattr__": "write",
        "__delattr__": "remove",
    }


class AcquirerProxy(RemoteProxy, _standard.AcquirerProxy, _More):  # type: ignore[misc]
    """A lock or semaphore.

    If a process dies: the one that has it: it is given back when its time of grace has ended.
    """

    _fence: FencingToken | None = None

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> Any:
        """As `threading.Lock.acquire`.

        Raises:
            ServerGone: The server ended.

        If a process dies: as of the class.
        """
        got = self._callmethod("acquire", (blocking, timeout))
        if isinstance(got, FencingToken):
            self._fence = got
            return True
        return got

    @property
    def token(self) -> FencingToken:
        """Under which the caller has the lock: higher each time that it is given out.

        Raises:
            RuntimeError: The caller has it not.
        """
        token: FencingToken = self._callmethod("token")
        return token

    def __enter__(self) -> Any:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class ConditionProxy(AcquirerProxy, _standard.ConditionProxy):  # type: ignore[misc]
    """A condition."""


class EventProxy(RemoteProxy, _standard.EventProxy, _More):  # type: ignore[misc]
    """An event."""


class BarrierProxy(RemoteProxy, _standard.BarrierProxy, _More):  # type: ignore[misc]
    """A barrier."""

    @property
    def parties(self) -> Any:
        """How many meet."""
        return self._callmethod("parties")

    @property
    def n_waiting(self) -> Any:
        """How many are there."""
        return self._callmethod("n_waiting")

    @property
    def broken(self) -> Any:
        """Whether nobody can pass."""
        return self._callmethod("broken")


class PoolProxy(RemoteProxy, _standard.PoolProxy, _More):  # type: ignore[misc]
    """A pool, whose functions go by name."""

    def _callmethod(self, methodname: str, args: Any = (), kwds: Any = _NO_KEYWORDS) -> Any:
        args, kwds = list(args), dict(kwds)
        if "func" in kwds:
            args.insert(0, kwds.pop("func"))
        if "iterable" in kwds:
            args.insert(1, kwds.pop("iterable"))
        if args and callable(args[0]):
            args[0] = name_of(args[0])
        if len(args) > 1 and not methodname.startswith("apply"):
            args[1] = list(args[1])
        return super()._callmethod(methodname, args, kwds)


_OURS: dict[Any, type[RemoteProxy]] = {
    _standard.AcquirerProxy: AcquirerProxy,
    _standard.ArrayProxy: ArrayProxy,
    _standard.BarrierProxy: BarrierProxy,
    _standard.ConditionProxy: ConditionProxy,
    _standard.DictProxy: DictProxy,
    _standard.EventProxy: EventProxy,
    _standard.ListProxy: ListProxy,
    _standard.NamespaceProxy: NamespaceProxy,
    _standard.PoolProxy: PoolProxy,
    _standard.ValueProxy: ValueProxy,
}
_made: dict[Any, type[RemoteProxy]] = {}


def proxy_of(reference: Reference, line: Line) -> Any:
    """The proxy for a reference that came by a line."""
    kind = line.proxytypes.get(reference.typeid)
    if not (isinstance(kind, type) and issubclass(kind, standard.BaseProxy)):
        kind = None  # AutoProxy, or a function of the program's
    key = kind or (reference.typeid, reference.methods)
    cls = _made.get(key)
    if cls is None:
        cls = _made[key] = _class_for(kind, reference)
    return cls(reference, line)


def _class_for(kind: Any, reference: Reference) -> type[RemoteProxy]:
    if kind in _OURS:
        cls = _OURS[kind]
    elif kind is not None:
        nearest = next((_OURS[base] for base in kind.__mro__ if base in _OURS), RemoteProxy)
        more = () if issubclass(kind, _standard.NamespaceProxy) else (_More,)
        bases = (kind, nearest) if nearest is not RemoteProxy else (RemoteProxy, kind)
        cls = type(
            kind.__name__, (*bases, *(each for each in more if each not in nearest.__mro__)), {}
        )
    else:
        # A server's word is not enough for names by which Python itself calls, or which are ours.
        allowed = (name for name in reference.methods if may_be_exposed(name))
        methods = {name: _method(name) for name in allowed}
        cls = type(f"AutoProxy[{reference.typeid}]", (RemoteProxy, _More), methods)
    # What `str` shows is the server's to give of every object, and not listed, as elsewhere.
    cls._exposed_ = tuple(  # type: ignore[attr-defined]
        name for name in reference.methods if name != "__repr__"
    )
    add_alike(cls, REFERENCE, lambda proxy: encode_reference(proxy._reference))
    return cls


def _method(name: str) -> Callable[..., Any]:
    if name == "__repr__":  # what a debugger shows calls nobody

        def shown(self: RemoteProxy) -> str:
            return RemoteProxy.__repr__(self)

        return shown

    def call(self: RemoteProxy, /, *args: Any, **kwds: Any) -> Any:
        return self._callmethod(name, args, kwds)

    call.__name__ = name
    return call
