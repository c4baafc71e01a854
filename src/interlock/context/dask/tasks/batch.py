"""What a crew has under way: batches, each of some calls of one function."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from interlock.context.dask.packing import pack_message
from interlock.context.dask.tasks.options import DaskOptions

__all__ = ["Batch", "Function", "Outcomes", "Told", "group_for", "sequence"]

Outcomes = list[tuple[str, Any]]
sequence = itertools.count()


class Told(Protocol):
    """Whom a batch's end is told."""

    def tell(self, batch: Batch, outcomes: Outcomes | BaseException) -> None:
        """Its calls have these outcomes, or all this error."""


@dataclass(frozen=True)
class Function:
    """What tasks call.

    Attributes:
        name: In words.
        data: Itself, by value.
    """

    name: str
    data: bytes

    @classmethod
    def of(cls, call: Callable[..., Any]) -> Function:
        """This one.

        Raises:
            SerializationError: It cannot be sent.
        """
        name = getattr(call, "__qualname__", None) or type(call).__name__
        return cls(name, pack_message(call)[0])


@dataclass(eq=False)
class Batch:
    """Some calls of a job.

    Attributes:
        job: Is told of its end.
        function: What is called.
        kind: How; as in `Calls`.
        first: The number of the first call.
        items: Packed, with the futures they refer to.
        size: How many calls.
        options: How they are run.
    """

    job: Told
    function: Function
    kind: str
    first: int
    items: tuple[bytes, list[Any]]
    size: int
    options: DaskOptions
    key: Any = None
    future: Any = None
    cancelled: BaseException | None = None
    is_told: bool = False
    number: int = field(default_factory=lambda: next(sequence))

    @property
    def described(self) -> str:
        """In words."""
        many = f"-{self.first + self.size - 1}" if self.size > 1 else ""
        return f"{self.first}{many} `{self.function.name}`"


def group_for(name: str, number: str) -> str:
    """The first part of the keys of tasks of one function and one pool.

    By it Dask's pages gather tasks; and where a group is large, Dask keeps its tasks in the
    scheduler until a worker is free for them, so that a worker that dies has few.
    """
    plain = "".join(c if c.isalnum() or c in "_." else "_" for c in name)
    return f"{plain}-{number}"
