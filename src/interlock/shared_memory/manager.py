"""SharedMemoryManager: unlinks in one go what it was asked to make."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from multiprocessing import managers as standard
from typing import Any

from interlock.errors import SegmentNotFound
from interlock.shared_memory.block import SharedMemory as _SharedMemory
from interlock.shared_memory.list import Item
from interlock.shared_memory.list import ShareableList as _ShareableList

__all__ = ["Server", "SharedMemoryManager", "Tracker"]


class Tracker:
    """What the server has to unlink. It has the memory too, so that no client's end takes it."""

    def __init__(self) -> None:
        self._tracked: dict[str, _SharedMemory] = {}

    @property
    def segment_names(self) -> list[str]:
        """Of all of it."""
        return list(self._tracked)

    def register_segment(self, segment_name: str) -> None:
        """Have memory of that name.

        Raises:
            SegmentNotFound: There is none.
        """
        self.keep(_SharedMemory(segment_name))

    def keep(self, shm: _SharedMemory) -> None:
        """Have memory that was opened already."""
        self._tracked[shm.name] = shm

    def destroy_segment(self, segment_name: str) -> None:
        """Unlink one."""
        shm = self._tracked.pop(segment_name)
        shm.close()
        with contextlib.suppress(SegmentNotFound):  # its user did it
            shm.unlink()

    def unlink(self) -> None:
        """Unlink all."""
        for name in self.segment_names:
            self.destroy_segment(name)


class Server(standard.SharedMemoryServer):
    """The standard library's, which keeps what it unlinks by our tracker."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        standard.Server.__init__(self, *args, **kwargs)
        self.shared_memory_context = Tracker()


class SharedMemoryManager(standard.SharedMemoryManager):
    """A process that unlinks memory when it is shut down: `multiprocessing.managers`' interface.

    If a process dies: a client's memory stays until the manager is shut down; with the manager's
        own death each piece is found as long as another process has it, and gone with the last.
    """

    _Server = Server

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        standard.BaseManager.__init__(self, *args, **kwargs)  # and no resource tracker

    def SharedMemory(self, size: int) -> _SharedMemory:
        """New memory with a generated name, unlinked when the manager is shut down.

        Args:
            size: How many bytes.

        Raises:
            ValueError: The size is not positive.
            OutOfSharedMemory: The kernel has not got so many pages.
        """
        shm = _SharedMemory(create=True, size=size)
        self._track(shm)
        return shm

    def ShareableList(self, sequence: Iterable[Item] | None) -> _ShareableList:
        """A new list, unlinked when the manager is shut down.

        Args:
            sequence: The items, as `ShareableList` takes them.

        Raises:
            TypeError: An item cannot be in such a list.
            OutOfSharedMemory: The kernel has not got so many pages.
        """
        made = _ShareableList(sequence)
        self._track(made.shm)
        return made

    def _track(self, shm: _SharedMemory) -> None:
        try:
            with self._Client(self._address, authkey=self._authkey) as conn:  # type: ignore[attr-defined]
                standard.dispatch(conn, None, "track_segment", (shm.name,))  # type: ignore[attr-defined]
        except BaseException:
            shm.close()
            shm.unlink()
            raise
