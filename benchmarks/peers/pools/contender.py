"""What a pool does for the benchmark, in the way that its own documentation shows."""

from __future__ import annotations

import importlib
import importlib.util
import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, ClassVar

WORKERS = max(2, len(os.sched_getaffinity(0)))


class Contender(ABC):
    """A pool of WORKERS processes; `start` makes them, when the library is imported already.

    Attributes:
        NAME: As the table has it.
        MODULE: Its library.
    """

    NAME: ClassVar[str]
    MODULE: ClassVar[str]

    def __init__(self) -> None:
        self.library: Any = importlib.import_module(self.MODULE)
        self.pool: Any = None
        self.open = ExitStack()  # what `stop` closes

    @classmethod
    def is_there(cls) -> bool:
        """Whether its library is installed; this process does not import it."""
        package = cls.MODULE.partition(".")[0]
        return importlib.util.find_spec(package) is not None

    @abstractmethod
    def start(self) -> None:
        """Make the pool."""

    def __enter__(self) -> Contender:
        self.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Close it, and whatever else was opened."""
        self.open.close()

    @abstractmethod
    def one_by_one(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """The results in order; each task is a message of its own."""

    @abstractmethod
    def batched(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """The results in order; as many tasks a message as the pool has by default."""

    def arrays(self, function: Callable[[Any], Any], items: Sequence[Any]) -> Sequence[Any]:
        """As one_by_one; for those that have another way for what is large."""
        return self.one_by_one(function, items)

    @abstractmethod
    def shared(self, value: Any, numbers: Sequence[int]) -> Sequence[int]:
        """``value[number]`` of each, by tasks; however the pool gives all tasks one object.

        Where it gives objects only to new workers, it starts others.
        """
