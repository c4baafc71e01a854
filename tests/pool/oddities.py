"""Exceptions and results that cannot be made, read or written as others are."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


class OtherArguments(Exception):
    """One whose constructor takes other arguments than it passes on."""

    def __init__(self, first: str, second: int) -> None:
        super().__init__(f"{first}-{second}")
        self.second = second


def raises_other_arguments(_: object = None) -> None:
    raise OtherArguments("one", 2)


class ExitsWhenReadError(Exception):
    """Its reader leaves, and so would a careless thread."""

    def __reduce__(self) -> Any:
        return sys.exit, (3,)


@dataclass(frozen=True)
class FrozenOddError(Exception):
    """No attribute can be set."""

    text: str


class SilentOddError(Exception):
    def __str__(self) -> str:
        raise SystemExit(4)


def raises_odd(kind: type[Exception]) -> None:
    raise kind("odd")


class Unreadable:
    def __reduce__(self) -> Any:
        return fails_to_be_read, ()


def fails_to_be_read() -> None:
    raise ValueError("unreadable")


def unreadable(number: int) -> object:
    return Unreadable() if number == 7 else number


class ExitsAsItIsPickled:
    def __reduce__(self) -> str:
        raise SystemExit(7)


def returns_what_exits() -> ExitsAsItIsPickled:
    return ExitsAsItIsPickled()
