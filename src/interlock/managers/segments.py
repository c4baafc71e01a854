"""SharedMemoryManager, by TCP too: there as elsewhere nothing that a socket brings is unpickled."""

from __future__ import annotations

import functools
from multiprocessing import managers as standard
from multiprocessing import util
from typing import TYPE_CHECKING, Any

from interlock.managers.local.manager import BaseManager
from interlock.shared_memory import manager as shared
from interlock.shared_memory.block import SharedMemory

__all__ = ["SharedMemoryManager"]

_TYPEID = "segments"

if TYPE_CHECKING:
    _Base: Any = shared.SharedMemoryManager
else:
    _Base = shared.SharedMemoryManager


class _Segments:
    """What a server unlinks when it ends."""

    def __init__(self) -> None:
        self._tracker = shared.Tracker()
        util.Finalize(None, self._tracker.unlink, exitpriority=0)

    def track(self, name: str) -> None:
        """Have memory, and unlink it at the end.

        Raises:
            ValueError: Its name was chosen: by a client's word alone no such file is unlinked.
            SegmentNotFound: It is not on this machine, or its makers have ended.
        """
        if not name.isidentifier():
            raise ValueError(f"{name!r:.100} is no name that was generated for shared memory")
        found = SharedMemory(name)
        if not found._generated:
            found.close()
            raise ValueError(f"the name of {name!r:.100} was chosen; its file is not unlinked here")
        self._tracker.keep(found)


@functools.cache
def _segments() -> _Segments:
    return _Segments()  # one for all clients of the server in this process


class SharedMemoryManager(BaseManager, _Base):  # type: ignore[misc]
    """A process that unlinks memory when it is shut down: `multiprocessing.managers`' interface.

    With a host and a port it is `BaseManager` by TCP, with its arguments. Its clients are on the
    machine of the server, as the memory is.

    If a process dies: a client's memory stays until the manager is shut down; with the manager's
        own death each piece is found as long as another process has it, and gone with the last.
    """

    _Server = shared.Server  # type: ignore[assignment]

    def _track(self, shm: SharedMemory) -> None:
        if self._remote is None:
            super()._track(shm)
            return
        if self._state.value != standard.State.STARTED:  # type: ignore[attr-defined]
            shm.close()
            shm.unlink()
            raise AssertionError("server not yet started")
        try:
            self._remote.create(_TYPEID, (), {}).track(shm.name)
        except BaseException:
            shm.close()
            shm.unlink()
            raise


SharedMemoryManager.register(_TYPEID, _segments, exposed=("track",), create_method=False)
