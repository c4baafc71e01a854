"""What a context offers, as data: a program may ask before it chooses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

if TYPE_CHECKING:
    from typing import Self

__all__ = ["INTERFACE", "Capabilities", "Offering"]

# What a context makes. One that cannot has no such attribute.
INTERFACE = (
    "Process", "Pipe", "Queue", "SimpleQueue", "JoinableQueue",
    "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier", "RWLock",
    "Value", "Array", "RawValue", "RawArray", "SharedArray", "SharedDict",
    "Manager", "Pool", "ProcessPoolExecutor",
)  # fmt: skip


class Capabilities(NamedTuple):
    """What a context is and offers.

    Attributes:
        name: By which `get_context` finds it.
        runs_in: What its work runs in, in words.
        copies: Whether objects are copied on their way; else they arrive as themselves.
        kills: Whether `Process.kill` ends whatever the process is doing.
        other_machines: Whether its work may run on other machines.
        offers: The names of `INTERFACE` that it has.
        absent: Those that it has not, each with what to use instead.
    """

    name: str
    runs_in: str
    copies: bool
    kills: bool
    other_machines: bool
    offers: tuple[str, ...]
    absent: Mapping[str, str]


class Offering:
    """The part of a context that says what it is, and is used with ``with``."""

    runs_in: ClassVar[str] = "processes of this machine"
    copies: ClassVar[bool] = True
    kills: ClassVar[bool] = True
    other_machines: ClassVar[bool] = False
    absent: ClassVar[Mapping[str, str]] = {}

    get_start_method: Any

    @property
    def capabilities(self) -> Capabilities:
        """What this context is and offers, as data."""
        return Capabilities(
            name=self.get_start_method(),
            runs_in=self.runs_in,
            copies=self.copies,
            kills=self.kills,
            other_machines=self.other_machines,
            offers=tuple(name for name in INTERFACE if hasattr(self, name)),
            absent=dict(self.absent),
        )

    def close(self) -> None:
        """Give up what was started for the context itself; of processes that is nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
