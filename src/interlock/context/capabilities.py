"""What a context offers, as data: a program may ask before it chooses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["INTERFACE", "Capabilities"]

# What a context makes. One that cannot has no such attribute.
INTERFACE = (
    "Process", "Pipe", "Queue", "SimpleQueue", "JoinableQueue",
    "Lock", "RLock", "Semaphore", "BoundedSemaphore", "Condition", "Event", "Barrier", "RWLock",
    "Value", "Array", "RawValue", "RawArray", "SharedArray", "SharedDict",
    "Manager", "Pool", "ProcessPoolExecutor",
)  # fmt: skip


@dataclass(frozen=True)
class Capabilities:
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
