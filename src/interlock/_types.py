"""Protocols: what a lower layer needs of an object that a higher one hands it."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

__all__ = ["Context", "Pollable"]


class Context(Protocol):
    """What a queue must know of the context that made it."""

    def cpu_count(self) -> int:
        """How many processors its processes may run on."""


@runtime_checkable
class Pollable(Protocol):
    """What `interlock.connection.wait` asks for a message before it polls."""

    @property
    def _is_readable(self) -> bool:
        """Whether messages come out of it at all."""

    def _ready(self) -> bool:
        """Whether taking a message would not wait."""

    def _arm(self, what: str) -> bool:
        """Ask for the bell to be rung; True if there is no need to wait."""

    def _bell_fd(self) -> int:
        """The bell: readable once it was rung."""
