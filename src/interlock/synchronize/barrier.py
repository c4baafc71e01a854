"""Barrier: so many threads wait for each other, and none of them for one that is dead."""

from __future__ import annotations

import operator
import os
import time
import weakref
from collections.abc import Callable
from multiprocessing.util import Finalize
from typing import TYPE_CHECKING, Any, SupportsIndex

from interlock._native import (
    ArrivalAtBarrier,
    BarrierBroken,
    OutcomeOfRound,
    PlaceInBarrier,
    SharedBarrier,
)
from interlock._types import Context
from interlock.errors import BrokenBarrier
from interlock.synchronize.base import SharedBase
from interlock.synchronize.owner import Holder

if TYPE_CHECKING:
    from interlock.synchronize.aio_waits import AwaitableBarrier

__all__ = ["PARTIES_MAX", "Barrier"]

PARTIES_MAX = 1000

_WHY = {
    BarrierBroken.ABORTED: "abort() was called",
    BarrierBroken.TIMED_OUT: "not all of its {parties} parties came in time",
    BarrierBroken.RESET: "reset() was called while this thread waited",
    BarrierBroken.FAILED: "its action raised an exception",
}

# Those that threads of this process have passed: its orderly end is not a death.
_passed: weakref.WeakSet[Barrier] = weakref.WeakSet()
_leaves_at_exit_of: int | None = None  # which process


class Barrier(SharedBase, SharedBarrier):
    """A barrier with `multiprocessing.Barrier`'s interface that waits for nobody who is dead.

    Args:
        parties: How many threads pass together, from 1 to `PARTIES_MAX`.
        action: Called by one of them when all have come, before they pass.
        timeout: How long `wait` waits if it is not told, in seconds; None for as long as it takes.
        ctx: The context that makes it.

    Raises:
        TypeError: parties is no integer.
        ValueError: parties is less than 1 or too large.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: while it waits: the barrier breaks within 50 ms, for all that wait, and the
        error says who it was. After it has passed: the same, as soon as another one that
        passed with it waits again. One that ends in an orderly way, and not by a signal or
        `os._exit`, is not missed: others may come in its place. Nobody can miss one that
        has never come.
    """

    def __init__(
        self,
        parties: SupportsIndex,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
        *,
        ctx: Context,
    ) -> None:
        count = operator.index(parties)
        if not 1 <= count <= PARTIES_MAX:
            raise ValueError(f"parties is {count}; give 1 to {PARTIES_MAX}")
        SharedBarrier.__init__(self, parties=count)
        self._action, self._timeout = action, timeout
        self._made()

    def wait(self, timeout: float | None = None) -> int:
        """Wait until all parties have come.

        Args:
            timeout: How long to wait, in seconds, before the barrier breaks for all; None
                for what the barrier was made with.

        Returns:
            The number of this one in the round: each from 0 to parties - 1 once.

        Raises:
            BrokenBarrier: It is broken, or breaks; a `threading.BrokenBarrierError`.
            TooManyWaiters: More threads use it than its table has places for.

        If a process dies: As in `Barrier`.
        """
        ends = self._ends(timeout)
        leave_at_exit(self)
        place = PlaceInBarrier(self)
        try:
            while (arrival := place.arrive()) is ArrivalAtBarrier.FULL:
                place.wait(rest(ends))
                if not place.may_arrive():
                    self._abort_late()
            if arrival is ArrivalAtBarrier.BROKEN:
                raise self._error(self._broken())
            if arrival is ArrivalAtBarrier.LAST:
                outcome = self._act(place)
            elif (outcome := place.wait(rest(ends))) is OutcomeOfRound.NONE:
                outcome = place.give_up(BarrierBroken.TIMED_OUT)
            return self._number(place, outcome)
        finally:
            place.leave()

    def _ends(self, timeout: float | None) -> float | None:
        timeout = self._timeout if timeout is None else timeout
        return None if timeout is None else time.monotonic() + timeout

    def _act(self, place: PlaceInBarrier) -> OutcomeOfRound:
        """What the last one to come does."""
        try:
            if self._action is not None:
                self._action()
        except BaseException:
            place.give_up(BarrierBroken.FAILED)
            raise
        return place.pass_on()

    def _number(self, place: PlaceInBarrier, outcome: OutcomeOfRound) -> int:
        if outcome is not OutcomeOfRound.PASSED:
            raise self._error(place.why())
        return place.number()

    def _abort_late(self) -> None:
        """The last round has not ended in this one's time."""
        self._abort()
        raise self._error(BarrierBroken.TIMED_OUT)

    def _error(self, why: BarrierBroken) -> BrokenBarrier:
        awaited = tuple(map(Holder.seen, self._awaited()))
        if why is BarrierBroken.MISSING and (missing := self.abandoned) is not None:
            return BrokenBarrier(
                f"The barrier is broken: {missing.story} died, and is missing. reset() it "
                f"when there are {self.parties} parties again.",
                missing,
                awaited,
            )
        reason = _WHY.get(why, "one of its parties died").format(parties=self.parties)
        names = ", ".join(f"process {each.pid} ({each.process})" for each in awaited)
        hint = f" {names} had come to the last round, and not to this one." if names else ""
        return BrokenBarrier(f"The barrier is broken: {reason}.{hint}", None, awaited)

    def abort(self) -> None:
        """Break it: all that wait get the error, and all that come, until it is reset."""
        self._abort()

    def reset(self) -> None:
        """Make it as new; who waits gets the error."""
        self._reset()

    @property
    def parties(self) -> int:
        """How many threads pass together."""
        return self._parties()

    @property
    def n_waiting(self) -> int:
        """How many wait at the moment."""
        return self._waiting()

    @property
    def broken(self) -> bool:
        """Whether nobody can pass until it is reset."""
        return self._broken() is not BarrierBroken.NO

    @property
    def aio(self) -> AwaitableBarrier:
        """The same barrier, awaited: ``await barrier.aio.wait()``."""
        from interlock.synchronize.aio_waits import AwaitableBarrier

        return AwaitableBarrier(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return *super().__reduce__(), (self._action, self._timeout)

    def __setstate__(self, state: tuple[Callable[[], object] | None, float | None]) -> None:
        self._action, self._timeout = state

    def __repr__(self) -> str:
        status = "broken" if self.broken else f"waiters={self.n_waiting}/{self.parties}"
        return f"<{type(self).__name__} at {id(self):#x}: {status}>"


def rest(ends: float | None) -> float | None:
    """How long until then, in seconds."""
    return None if ends is None else max(0.0, ends - time.monotonic())


def leave_at_exit(barrier: Barrier) -> None:
    """Let nobody miss this process's threads after its orderly end."""
    global _leaves_at_exit_of
    _passed.add(barrier)
    if _leaves_at_exit_of != os.getpid():
        _leaves_at_exit_of = os.getpid()
        _passed.clear()
        _passed.add(barrier)
        Finalize(None, _leave_all, exitpriority=0)


def _leave_all() -> None:
    for barrier in list(_passed):
        barrier._leave()
