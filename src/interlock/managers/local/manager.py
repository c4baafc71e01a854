"""BaseManager and SyncManager: the standard library's, with shared memory where it can be."""

from __future__ import annotations

import resource
from collections.abc import Callable
from contextlib import suppress
from multiprocessing import ProcessError
from multiprocessing import managers as standard
from typing import TYPE_CHECKING, Any

from interlock.managers.lending.handle import borrow
from interlock.managers.lending.reference import Reference
from interlock.managers.local.factories import FACTORIES
from interlock.managers.local.proxies import PROXIES, remote
from interlock.managers.local.serving import Server
from interlock.pool import Pool

__all__ = ["BaseManager", "SyncManager"]

_standard: Any = standard
_WHY_NOT = ("Server not yet started", "Already started server", "Manager has shut down")


class BaseManager(standard.BaseManager):
    """Objects in a server process, and proxies of them: `multiprocessing.managers.BaseManager`.

    If a process dies: the server: calls of proxies raise, but those of what is in shared memory,
        which go on. A client: its objects in shared memory are let go.
    """

    if TYPE_CHECKING:
        _registry: dict[str, Any]
        _authkey: Any
        _serializer: str
        _Client: Any
        _state: Any

    _Server = Server

    @classmethod
    def _run_server(cls, *args: Any, **kwds: Any) -> None:
        # Each referent has a few descriptors in the server.
        with suppress(OSError, ValueError):
            hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        _standard.BaseManager._run_server.__func__(cls, *args, **kwds)

    def get_server(self) -> Any:
        """The server itself, to be run in this process.

        Raises:
            ProcessError: The manager was started, or has shut down.
        """
        if self._state.value:
            raise ProcessError(_WHY_NOT[self._state.value])
        return self._Server(self._registry, self._address, self._authkey, self._serializer)  # type: ignore[attr-defined]


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
        with self._Client(self._address, authkey=self._authkey) as line:  # type: ignore[attr-defined]
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
            of = Reference(typeid, self._address, self._serializer, lender, name)  # type: ignore[attr-defined]
            kind = PROXIES[FACTORIES[typeid].kind]
            handle = borrow(of)
            if handle is None:
                return remote(kind, of, self._authkey)
            return kind(handle, self, self._authkey)


def _maker(typeid: str) -> Callable[..., Any]:
    def make(self: SyncManager, /, *args: Any, **kwds: Any) -> Any:
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
