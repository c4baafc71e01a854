"""What each library does: objects of a server process, used by clients in other processes."""

from __future__ import annotations

import importlib.util
import multiprocessing
import queue
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, ClassVar

START_S = 30.0


class Face(ABC):
    """One client's connection to the server's dict, queue and lock."""

    @abstractmethod
    def set(self, key: str, value: Any) -> None:
        """Give a key a value."""

    @abstractmethod
    def get(self, key: str) -> Any:
        """The value of a key."""

    def set_many(self, pairs: Sequence[tuple[str, Any]]) -> None:
        """Give keys values, in as few messages as the library does it."""
        for key, value in pairs:
            self.set(key, value)

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        """The values of keys, in as few messages as the library does it."""
        return [self.get(key) for key in keys]

    @abstractmethod
    def put(self, item: Any) -> None:
        """Put an item into the queue."""

    @abstractmethod
    def take(self) -> Any:
        """Wait for an item of the queue."""

    @abstractmethod
    def acquire(self) -> None:
        """Wait for the lock."""

    @abstractmethod
    def release(self) -> None:
        """Let the next have it."""

    @abstractmethod
    def close(self) -> None:
        """End the connection."""


class Remote(ABC):
    """A library, and a way to the server.

    Attributes:
        NAME: As the table has it.
        MODULES: What must be installed.
    """

    NAME: ClassVar[str]
    MODULES: ClassVar[tuple[str, ...]]

    @classmethod
    def is_there(cls) -> bool:
        """Whether its modules are installed; this process does not import them."""
        return all(importlib.util.find_spec(module) is not None for module in cls.MODULES)

    @abstractmethod
    def serving(self) -> AbstractContextManager[Any]:
        """A server in a process of its own, while the block lasts; what a client needs of it."""

    @abstractmethod
    def connect(self, place: Any) -> Face:
        """A client's connection, in the client's process."""


class Store:
    """What a library serves that has no dict, queue and lock of its own, and threads."""

    def __init__(self) -> None:
        self._items: dict[str, Any] = {}
        self._queue: queue.Queue[Any] = queue.Queue()
        self._lock = threading.Lock()

    def set(self, key: str, value: Any) -> None:
        self._items[key] = value

    def get(self, key: str) -> Any:
        return self._items[key]

    def put(self, item: Any) -> None:
        self._queue.put(item)

    def take(self) -> Any:
        return self._queue.get()

    def acquire(self) -> None:
        self._lock.acquire()

    def release(self) -> None:
        self._lock.release()


@contextmanager
def in_a_process(serve: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """Run ``serve(say, *arguments)`` in a process of its own; what it says first is the place.

    Raises:
        TimeoutError: It says nothing.
    """
    context = multiprocessing.get_context("fork")
    mine, theirs = context.Pipe()
    process = context.Process(target=serve, args=(theirs.send, *arguments), daemon=True)
    process.start()
    theirs.close()
    try:
        if not mine.poll(START_S):
            raise TimeoutError("the server does not come up")
        yield mine.recv()
    finally:
        process.kill()
        process.join()
        mine.close()
