"""BaseManager and SyncManager: the standard library's, with shared memory where it can be."""

from __future__ import annotations

import os
import resource
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from multiprocessing import ProcessError, util
from multiprocessing import managers as standard
from typing import TYPE_CHECKING, Any, ClassVar, ParamSpec, TypeVar

from interlock.managers.lending.handle import borrow
from interlock.managers.lending.reference import Reference
from interlock.managers.local.factories import FACTORIES
from interlock.managers.local.proxies import PROXIES, remote
from interlock.managers.local.serving import Server
from interlock.managers.typed import SERVED
from interlock.pool import Pool

if TYPE_CHECKING:
    from interlock.managers.auth import Permissions
    from interlock.managers.bounds import Bounds
    from interlock.managers.remote.manager import Remote

__all__ = ["BaseManager", "SyncManager"]

C = TypeVar("C", bound=Callable[..., Any])
P = ParamSpec("P")
T = TypeVar("T")

_standard: Any = standard
_WHY_NOT = ("Server not yet started", "Already started server", "Manager has shut down")


class BaseManager(standard.BaseManager):
    """Objects in a server process, and proxies of them: `multiprocessing.managers.BaseManager`.

    With a host and a port for an address, nothing that a socket brings is unpickled (P4): values
    are plain, or of registered types. There, a key alone is for this machine.

    Args:
        address: Host and port, or the path of a socket for this user; None for one of its own.
        authkey: What both sides must have; the process's by default, and none with ``tls``.
        serializer: Of a socket with a path, as in `multiprocessing`. By TCP it is always ours; of
            "xmlrpclib" it is left that tuples arrive as lists.
        ctx: Makes the process.
        shutdown_timeout: Seconds until a server that does not end is killed.
        tls: The directory that `interlock keys` made; both sides show a certificate from it.
        name: Whose certificate this side shows.
        hostname: What the server's certificate is to say; the host of the address by default.
        insecure: Lets plain TCP go to and come from other machines.
        permissions: By the names of clients (in certificates), or ``"*"`` for all others: by
            typeid, the methods that they may call, or ``"*"``; ``create`` is to make one. None for
            all that is registered.
        bounds: Limits of the server, `interlock.managers.bounds.Bounds`.
        hide_tracebacks: Whether errors come without the server's stack.

    If a process dies: the server: calls of proxies raise, but those of what is in shared memory,
        which go on. A client: its objects in shared memory are let go, and what it held of others
        within the time of grace.
    """

    if TYPE_CHECKING:
        _registry: dict[str, Any]
        _authkey: Any
        _serializer: str
        _Client: Any
        _state: Any
        _ctx: Any
        _shutdown_timeout: float
        _process: Any
        _address: Any

    _Server = Server
    _tasks: ClassVar[Mapping[str, Callable[..., Any]]] = {}

    def __init__(
        self,
        address: Any = None,
        authkey: bytes | None = None,
        serializer: str = "pickle",
        ctx: Any = None,
        *,
        shutdown_timeout: float = 1.0,
        tls: str | os.PathLike[str] | None = None,
        name: str | None = None,
        hostname: str | None = None,
        insecure: bool = False,
        permissions: Permissions | None = None,
        bounds: Bounds | None = None,
        hide_tracebacks: bool = False,
    ) -> None:
        super().__init__(address, authkey, serializer, ctx, shutdown_timeout=shutdown_timeout)
        self._remote: Remote | None = None
        if not isinstance(address, tuple):
            if tls or name or hostname or insecure or permissions or bounds or hide_tracebacks:
                raise ValueError(
                    "tls, name, hostname, insecure, permissions, bounds and hide_tracebacks are "
                    f"for a host and a port, and the address is {address!r}."
                )
            return
        from interlock.managers.remote.manager import Remote  # msgspec is for these alone
        from interlock.managers.remote.place import Place, Terms

        keys = None if tls is None else os.path.abspath(tls)
        key = None if authkey is None and keys is not None else bytes(self._authkey)
        host, port = address
        self._remote = Remote(
            Place((host, port), key, keys, name, hostname, insecure, serializer == "xmlrpclib"),
            Terms(permissions, bounds, hide_tracebacks),
            lambda: self._registry,
            lambda: self._tasks,
        )

    @classmethod
    def _run_server(cls, *args: Any, **kwds: Any) -> None:
        # Each referent has a few descriptors in the server.
        with suppress(OSError, ValueError):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        _standard.BaseManager._run_server.__func__(cls, *args, **kwds)

    def _check_initial(self) -> None:
        if self._state.value:
            raise ProcessError(_WHY_NOT[self._state.value])

    def get_server(self) -> Any:
        """The server itself, to be run in this process.

        Raises:
            ProcessError: The manager was started, or has shut down.
            InsecureAddress: Only other machines could reach it, and a key alone is not for them.
            OSError: The address is taken.
        """
        self._check_initial()
        if self._remote is not None:
            return self._remote.server()
        return self._Server(self._registry, self._address, self._authkey, self._serializer)

    def connect(self) -> None:
        """Connect to the server at the address.

        Raises:
            AuthenticationError: It has another key.
            ConnectionRefusedByServer: It takes nobody from here.
            InsecureAddress: It is on another machine, and a key alone is not for that.
            OSError: It is not there.
        """
        if self._remote is None:
            super().connect()
            return
        self._remote.connect()
        self._state.value = _standard.State.STARTED

    def start(
        self, initializer: Callable[..., object] | None = None, initargs: Iterable[Any] = ()
    ) -> None:
        """Start a process with the server; it ends with `shutdown`, or with this process.

        Raises:
            ProcessError: The manager was started, or has shut down.
            TypeError: The initializer cannot be called.
            InsecureAddress, OSError: As of `get_server`.
        """
        if self._remote is None:
            super().start(initializer, initargs)
            return
        self._check_initial()
        if initializer is not None and not callable(initializer):
            raise TypeError("initializer must be a callable")
        self._process, line = self._remote.start(self._ctx, initializer, initargs)
        self._process.name = f"{type(self).__name__}-{self._process.pid}"
        self._address = self._remote.place.address
        self._state.value = _standard.State.STARTED
        self.shutdown = util.Finalize(
            self,
            _end_remote,
            args=(self._remote, self._process, line, self._state, self._shutdown_timeout),
            exitpriority=0,
        )

    def _number_of_objects(self) -> int:
        if self._remote is not None:
            return self._remote.count()
        number: int = _standard.BaseManager._number_of_objects(self)
        return number

    def _debug_info(self) -> str:
        if self._remote is not None:
            return self._remote.listing()
        told: str = _standard.BaseManager._debug_info(self)
        return told

    @classmethod
    def register(
        cls,
        typeid: str,
        callable: Callable[..., Any] | None = None,
        proxytype: Any = None,
        exposed: Sequence[str] | None = None,
        method_to_typeid: Mapping[str, str] | None = None,
        create_method: bool = True,
    ) -> None:
        """Register what the manager's server makes: `multiprocessing`'s way to say it."""
        super().register(typeid, callable, proxytype, exposed, method_to_typeid, create_method)
        if create_method:
            setattr(cls, typeid, _in_server(typeid, getattr(cls, typeid)))

    @classmethod
    def serve(cls, made: C) -> C:
        """Let the server make objects of a class; a decorator for it, which `make` uses.

        What the class declares of arguments is checked at the server. The typeid is its name.
        """
        SERVED.add(made)
        cls.register(made.__name__, made)
        return made

    @classmethod
    def task(cls, function: C) -> C:
        """Let clients have a function run by the server's pools; a decorator for it.

        By TCP no function travels: a pool's proxy sends its name, and the server looks it up.
        """
        module = "__main__" if function.__module__ == "__mp_main__" else function.__module__
        cls._tasks = {**cls._tasks, f"{module}.{function.__qualname__}": function}
        return function

    def make(self, what: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> T:
        """A proxy of a new object of a class that was given to `serve`.

        Raises:
            NotExposed: The server does not know the class.
            BadArgument: It declares other arguments.
            Exception: What the class raised.

        If a process dies: the server: `ServerGone`.
        """
        made: T = getattr(self, what.__name__)(*args, **kwargs)
        return made


def _in_server(typeid: str, otherwise: Callable[..., Any]) -> Callable[..., Any]:
    """Makes an object in the server, by TCP or else as `multiprocessing` does."""

    def make(self: BaseManager, /, *args: Any, **kwds: Any) -> Any:
        if self._remote is None:
            return otherwise(self, *args, **kwds)
        if self._state.value != _standard.State.STARTED:
            raise AssertionError("server not yet started")
        return self._remote.create(typeid, args, kwds)

    make.__name__ = typeid
    return make


def _end_remote(remote: Remote, process: Any, line: Any, state: Any, timeout_s: float) -> None:
    remote.end(process, line, timeout_s)
    state.value = _standard.State.SHUTDOWN


class SyncManager(BaseManager, standard.SyncManager):
    """A manager of the usual kinds: `multiprocessing.managers.SyncManager`.

    Its dicts, lists, queues, locks and the like are in shared memory for all processes of its
    server's user on its machine, whether they started the manager, were sent a proxy or connect to
    it. Others call them through the server.

    If a process dies: what it was changing was changed or was not, and nobody waits for it; the
        locks it had are as in `interlock.Lock`. The server: shared memory goes on.

    Example:
        >>> import interlock
        >>> with interlock.Manager() as manager:
        ...     shared = manager.dict(a=1)
        ...     shared["b"] = manager.list([1, 2])
        ...     shared["b"].append(3)
        ...     list(shared["b"])
        [1, 2, 3]
    """

    _shares = True  # until the server says that it does not

    def _make_shared(self, typeid: str, args: Any, kwds: Any) -> Any:
        """A proxy of a new object; None if the server has no shared memory to give."""
        assert self._state.value == _standard.State.STARTED, "server not yet started"
        with self._Client(self._address, authkey=self._authkey) as line:
            try:
                made = _standard.dispatch(line, None, "make_shared", (typeid, *args), kwds)
            except standard.RemoteError as error:
                if "'make_shared' unrecognized" not in str(error):
                    raise
                self._shares = False  # the standard library's
                return None
            if made is None:
                return None
            name, _, lender = made
            of = Reference(typeid, self._address, self._serializer, lender, name)
            kind = PROXIES[FACTORIES[typeid].kind]
            handle = borrow(of)
            if handle is None:
                return remote(kind, of, self._authkey)
            return kind(handle, self, self._authkey)


def _maker(typeid: str) -> Callable[..., Any]:
    def make(self: SyncManager, /, *args: Any, **kwds: Any) -> Any:
        if self._remote is not None:
            return _in_server(typeid, make)(self, *args, **kwds)
        made = self._make_shared(typeid, args, kwds) if self._shares else None
        return getattr(standard.SyncManager, typeid)(self, *args, **kwds) if made is None else made

    make.__name__ = typeid
    make.__doc__ = f"A new {typeid}, in shared memory."
    return make


for _typeid, _factory in FACTORIES.items():
    _remote = PROXIES[_typeid]._remote
    SyncManager.register(
        _typeid,
        _factory,
        _remote,
        exposed=PROXIES[_typeid]._exposed_,
        create_method=False,
    )
    setattr(SyncManager, _typeid, _maker(_typeid))
SyncManager.register("Pool", Pool, _standard.PoolProxy)
