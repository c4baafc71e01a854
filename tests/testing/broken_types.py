"""Registered types that each break one promise. What a suite must find out."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

import interlock


class Plain:
    """Two texts; those below differ from it by what they are registered with."""

    def __init__(self, name: str = "name", note: str = "note") -> None:
        self.name, self.note = name, note

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and vars(other) == vars(self)

    __hash__ = None  # type: ignore[assignment]


def registered(decode: Callable[[type, Any], Any], encode: Any = None) -> Callable[[type], type]:
    """Register a subclass of Plain by its functions."""

    def decorate(cls: type) -> type:
        both = encode or (lambda made: (made.name, made.note))
        interlock.register(cls, encode=both, decode=lambda state: decode(cls, state))
        return cls

    return decorate


def made_of(cls: type, state: Any) -> Any:
    if type(state) is not tuple or [type(each) for each in state] != [str, str]:
        raise ValueError("two texts")
    return cls(*state)


@registered(made_of)
class Sound(Plain):
    pass


class NotRegistered(Plain):
    pass


@registered(lambda cls, state: cls(state[0], "lost"))
class LosesItsNote(Plain):
    pass


@registered(lambda cls, state: Plain(*state))
class ArrivesAsItsBase(Plain):
    pass


def changes(made: Any) -> Any:
    state = made.name, made.note
    made.note += "!"
    return state


@registered(made_of, changes)
class ChangedByEncoding(Plain):
    pass


def crashes(cls: type, state: Any) -> Any:
    """As C code that trusts a length."""
    if state != ("name", "note"):
        os._exit(70)
    return cls(*state)


@registered(crashes)
class CrashesOnDamage(Plain):
    pass


_kept: list[Any] = []


def keeps(cls: type, state: Any) -> Any:
    _kept.append([state])
    return made_of(cls, state)


@registered(keeps)
class KeepsWhatItReads(Plain):
    pass


_count = 0


def counts(cls: type, state: Any) -> Any:
    global _count
    _count += 1
    return made_of(cls, state)


@registered(counts)
class NeverFrees(Plain):
    pass


def allocated() -> int:
    """How many of NeverFrees there are, as it says."""
    return _count


def only_here(cls: type, state: Any) -> Any:
    return cls(state[0], "note" if multiprocessing.parent_process() is None else "elsewhere")


@registered(only_here)
class DiffersElsewhere(Plain):
    pass


def grows(cls: type, state: Any) -> Any:
    while state != ("name", "note"):
        pass
    return cls(*state)


@registered(grows)
class HangsOnDamage(Plain):
    pass


@interlock.serializable(
    name="tests.Reading", version=2, migrate={1: lambda old: {**old, "unit": "m"}}
)
@dataclass(eq=False)
class Reading:
    """With an array of 8 KB, which goes out of band."""

    unit: str = "m"
    values: Any = field(default_factory=lambda: np.arange(1000.0))

    @staticmethod
    def equal(one: Reading, other: Reading) -> bool:
        return one.unit == other.unit and np.array_equal(one.values, other.values)


# Type, contract, words of the error.
BROKEN: list[tuple[type, str, str]] = [
    (NotRegistered, "it_is_registered", "its type is not registered"),
    (LosesItsNote, "it_arrives_equal", 'Under trust="registered"'),
    (ArrivesAsItsBase, "it_arrives_equal", "arrived as a Plain"),
    (ChangedByEncoding, "it_arrives_equal", "arrived as"),
    (CrashesOnDamage, "damage_is_refused", "the process ended with 70"),
    (KeepsWhatItReads, "nothing_stays_behind", "blocks of memory"),
]
