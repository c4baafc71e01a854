"""What is told about a pickle."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

__all__ = ["Call", "Damage", "GlobalName", "PersistentId", "PickleReport", "Verdict"]


class Verdict(StrEnum):
    """What loading a pickle would come to, from the harmless to the unknown."""

    PLAIN_DATA = "plain data"
    REGISTERED_TYPES = "registered types only"
    RUNS_CODE = "would run code"
    DAMAGED = "damaged"
    BEYOND_LIMITS = "beyond the limits"

    @property
    def status(self) -> int:
        """The exit status of `interlock explain`: 0 for what is harmless, else 1."""
        return 0 if self in (Verdict.PLAIN_DATA, Verdict.REGISTERED_TYPES) else 1


@dataclass(frozen=True)
class GlobalName:
    """A name that a loader would import.

    Attributes:
        module: The module; None where it is known only when the pickle is loaded.
        name: The name in it, with dots for a name within a class; None as `module`.
        offset: The byte of the opcode.
        how: The opcode: GLOBAL, STACK_GLOBAL, INST, EXT1, EXT2 or EXT4.
        text: The name for people, on one line, without control characters.
        also: The name that people know it by, or that is written in the pickle; or None.
    """

    module: str | None
    name: str | None
    offset: int
    how: str
    text: str
    also: str | None = None


@dataclass(frozen=True)
class Call:
    """A call that a loader would make.

    Attributes:
        callable: What is called, as ``module.qualname``.
        arguments: Its arguments as Python text, as far as they can be known; what
            is too long or too deep is left out: ``...``.
        opcode: REDUCE, NEWOBJ, NEWOBJ_EX, OBJ, INST or BUILD; or APPEND, APPENDS,
            SETITEM, SETITEMS or ADDITEMS, where they call a method of an object.
        offset: The byte of the opcode.
        does: What comes of it, where the name does not say it: BUILD calls
            ``__setstate__``, or sets attributes.
    """

    callable: str
    arguments: str
    opcode: str
    offset: int
    does: str = ""

    @property
    def text(self) -> str:
        """The call as Python text."""
        return f"{self.callable}({self.arguments})"


@dataclass(frozen=True)
class PersistentId:
    """An object outside of the pickle, which the loading program is asked for by this id."""

    text: str
    offset: int


@dataclass(frozen=True)
class Damage:
    """Where and why a loader would give up."""

    offset: int
    reason: str


@dataclass(frozen=True)
class PickleReport:
    """What loading some bytes would do; nothing of it was done.

    Attributes:
        verdict: What it comes to.
        reasons: Why it would run code, a sentence for each cause; empty otherwise.
        size: Bytes in all.
        protocol: The protocol that the first pickle names; 0 where it names none.
        pickles: How many whole pickles follow each other. `pickle.loads` reads the first
            alone; a program that reads a file in a loop reads them all, and so does this
            report.
        trailing_bytes: Bytes after the end of the first pickle.
        globals: Every name that would be imported, in order.
        calls: Every call that would be made, in order.
        persistent_ids: Every id that the loading program would be asked for.
        buffers: How many buffers have to be given beside the pickle (protocol 5).
        values: What the pickles would become, as Python text, as far as it can be known.
        damage: Where a loader would give up; None for whole pickles.
    """

    verdict: Verdict
    reasons: tuple[str, ...]
    size: int
    protocol: int
    pickles: int
    trailing_bytes: int
    globals: tuple[GlobalName, ...]
    calls: tuple[Call, ...]
    persistent_ids: tuple[PersistentId, ...]
    buffers: int
    values: tuple[str, ...]
    damage: Damage | None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values, for JSON; each record a dict by its fields."""
        return {
            "verdict": str(self.verdict),
            "status": self.verdict.status,
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: [dict(vars(each)) for each in getattr(self, name)] for name in _RECORDS},
            "reasons": list(self.reasons),
            "values": list(self.values),
            "damage": None if self.damage is None else dict(vars(self.damage)),
        }


_PLAIN = ("size", "protocol", "pickles", "trailing_bytes", "buffers")
_RECORDS = ("globals", "calls", "persistent_ids")
