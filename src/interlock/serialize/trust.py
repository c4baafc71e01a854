"""What a source may make of a receiver: the two levels of trust, and what the codec is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from interlock.serialize.limits import Limits

__all__ = ["TRUSTING", "Bounds", "Terms", "Trust", "bounds_of"]

Trust = Literal["process", "registered"]
"""``"process"``: a process of the same user, which could run code here anyway; pickle is allowed.
``"registered"``: anybody; plain values and registered types, made by registered functions."""

Bounds = tuple[int, int, int, int] | None
"""Limits as the codec takes them: bytes, depth, items, bytes of a string; None for no limits."""

_DEFAULT = Limits()
_LEVELS = get_args(Trust)


def bounds_of(trust: str, limits: Limits | None) -> Bounds:
    """The limits as the codec takes them.

    Args:
        trust: One of the two levels.
        limits: None for the defaults of the level.

    Raises:
        ValueError: trust is another word, or limits are given to a trusted source.
        TypeError: limits are no `Limits`.
    """
    if trust not in _LEVELS:
        raise ValueError(f'trust is "process" or "registered", not {trust!r:.100}')
    if limits is not None and not isinstance(limits, Limits):
        raise TypeError(f"limits is interlock.serialize.Limits(...), not {limits!r:.100}")
    if trust == "process":
        if limits is not None:
            raise ValueError('limits are for trust="registered"; a trusted process has none')
        return None
    chosen = limits or _DEFAULT
    return chosen.max_bytes, chosen.max_depth, chosen.max_items, chosen.max_string


@dataclass(frozen=True)
class Terms:
    """On what terms a handle of a queue or pipe sends and receives.

    They go with the handle when it is sent to another process.

    Attributes:
        trust: What a message may be.
        limits: What it may contain, at the registered level; None for the defaults.
        writable: Whether large buffers arrive writable unless a call says otherwise.

    Raises:
        ValueError, TypeError: As `bounds_of`.
    """

    trust: Trust = "process"
    limits: Limits | None = None
    writable: bool = False

    def __post_init__(self) -> None:
        bounds_of(self.trust, self.limits)

    @property
    def bounds(self) -> Bounds:
        """The limits as the codec takes them."""
        return bounds_of(self.trust, self.limits)


TRUSTING = Terms()
