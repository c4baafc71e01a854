"""Semaphore and BoundedSemaphore: so many at a time, whatever process they are in."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, SupportsIndex

from interlock._native import SharedSemaphore
from interlock._types import Context
from interlock.synchronize.base import SharedBase
from interlock.synchronize.owner import Holder

if TYPE_CHECKING:
    from interlock.synchronize.aio import AwaitableTurn

__all__ = ["BoundedSemaphore", "PlaceHolder", "Semaphore"]

VALUE_MAX = 2**31 - 1


@dataclass(frozen=True)
class PlaceHolder(Holder):
    """A thread that has places of a semaphore.

    Attributes:
        places: How many.
    """

    places: int


class Semaphore(SharedBase, SharedSemaphore):
    """A semaphore with `multiprocessing.Semaphore`'s interface whose places do not get lost.

    Args:
        value: How many places are free at first, from 0 to 2**31 - 1.
        ctx: The context that makes it.

    Raises:
        TypeError: value is no integer.
        ValueError: value is less than 0 or too large.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: its places, or those of a thread of it that ended, come back within 50 ms
        of somebody's waiting for one. Only as many come back as are missing from ``value``: of a
        semaphore that counts things, which one side acquires and the other releases, what
        the dead had acquired is used up.
    """

    _bounded: ClassVar[bool] = False

    def __init__(self, value: SupportsIndex = 1, *, ctx: Context) -> None:
        places = operator.index(value)
        if not 0 <= places <= VALUE_MAX:
            raise ValueError(f"value is {places}; give 0 to {VALUE_MAX}")
        SharedSemaphore.__init__(self, places, self._bounded)
        self._made()

    @property
    def holders(self) -> tuple[PlaceHolder, ...]:
        """The threads that have places, and how many; of the moment, from any process."""
        return tuple(
            PlaceHolder(**vars(Holder.seen(seen)), places=places)
            for seen, places in self._holders()
        )

    @property
    def aio(self) -> AwaitableTurn:
        """The same semaphore, awaited: ``async with semaphore.aio:``."""
        from interlock.synchronize.aio import AwaitableTurn

        return AwaitableTurn(self)

    @property
    def maxvalue(self) -> int:
        """The most places there can be."""
        return self._initial() if self._bounded else VALUE_MAX

    def _get_value(self) -> int:
        return self.get_value()

    def _is_zero(self) -> bool:
        return self.get_value() == 0

    def _is_mine(self) -> bool:
        return self._count() > 0

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(value={self.get_value()})>"


class BoundedSemaphore(Semaphore):
    """A semaphore that is never given back more places than it was made with.

    Args:
        value: How many places there are, from 0 to 2**31 - 1.
        ctx: The context that makes it.

    Raises:
        TypeError: As in `Semaphore`.
        ValueError: As in `Semaphore`.
        OutOfSharedMemory: As in `Semaphore`.

    If a process dies: As in `Semaphore`.
    """

    _bounded = True

    def __repr__(self) -> str:
        return f"<{type(self).__name__}(value={self.get_value()}, maxvalue={self.maxvalue})>"
