"""`multiprocessing.Manager`: proxies are given to the clients' processes when they are forked."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import Any

from .contender import Face, Remote


class Proxies(Face):
    """Those of a manager, ours or the standard library's."""

    def __init__(self, place: tuple[Any, Any, Any]) -> None:
        self.dict, self._queue, self._lock = place
        len(self.dict)  # connects; the others of this process use the same connection

    def set(self, key: str, value: Any) -> None:
        self.dict[key] = value

    def get(self, key: str) -> Any:
        return self.dict[key]

    def put(self, item: Any) -> None:
        self._queue.put(item)

    def take(self) -> Any:
        return self._queue.get()

    def acquire(self) -> None:
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()

    def close(self) -> None:
        """A proxy's connection ends with its process."""


class StandardTcp(Remote):
    """On the loopback interface."""

    NAME = "multiprocessing, TCP"
    MODULES = ()

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        with tempfile.TemporaryDirectory() as folder:
            with SyncManager(address=self._address(folder)) as manager:
                yield manager.dict(), manager.Queue(), manager.Lock()

    def _address(self, folder: str) -> Any:
        return ("127.0.0.1", 0)

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return Proxies(place)


class StandardUnix(StandardTcp):
    """By a Unix socket."""

    NAME = "multiprocessing, Unix"

    def _address(self, folder: str) -> Any:
        return str(Path(folder) / "socket")
