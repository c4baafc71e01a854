"""A board: things by name, the processes that use them, and the calls under way.

An actor of a cluster has one, and passes on to it what is called from afar. It runs in one event
loop, and is asked by `call` alone:

    caller ── (who, number, name, method, arguments, seconds) ──> Board.call ──> a thing's method
           <── (answer, value) ────────────────────────────────────────┘ waits there if need be

A caller that is interrupted cannot know whether its call has come, nor what it gave. It does one
thing after the other, so whoever asks for the next has had the answer to the last:

B1. `withdraw` ends a call that waits. One that comes later, having been overtaken, does nothing.
B2. `withdraw` undoes one that was answered, if it can be (`Undoable`), and was the caller's last.
B3. A call without a wait, such as a release, may be sent again with its number: it is run once.

The last call of each caller is remembered for that, `LAST_S` seconds.

Who is gone is told to each thing by `gone`, which takes back what it had.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from interlock.context.board.answers import LATE, NO_SEAT, NO_THING, RAISED, VALUE
from interlock.context.board.cell import CellThing
from interlock.context.board.kept import KeptThing
from interlock.context.board.locks import LockThing, SemaphoreThing
from interlock.context.board.queues import QueueThing
from interlock.context.board.seats import Seat, Who
from interlock.context.board.signals import BarrierThing, ConditionThing, EventThing
from interlock.context.board.thing import NOT_YET, CallerGone, Thing, ThingGone, Undoable, Wait
from interlock.errors import NoSuchObject

__all__ = ["Board"]

WITHDRAWN_MAX = 10_000  # calls that were withdrawn before they came
LAST_S = 60.0  # in which an interrupted caller comes back to its last call


_KINDS: Mapping[str, Callable[..., Thing]] = {
    "lock": LockThing,
    "semaphore": SemaphoreThing,
    "event": EventThing,
    "barrier": BarrierThing,
    "queue": QueueThing,
}


class _Last(NamedTuple):
    """The last call of a caller."""

    number: int
    answer: tuple[str, Any] | None  # of one without a wait
    undo: Callable[[], object] | None
    at: float


class Board:
    """Things, and who uses them.

    Args:
        pack: Makes of a value what travels; for objects that are kept here.
        unpack: The reverse.
        kinds: Things of a substrate's own, by kind, in the place of the usual ones.
    """

    def __init__(
        self,
        pack: Callable[[Any], Any],
        unpack: Callable[[Any], Any],
        kinds: Mapping[str, Callable[..., Thing]] | None = None,
    ) -> None:
        self._pack, self._unpack = pack, unpack
        self._kinds = {**_KINDS, **(kinds or {})}
        self._things: dict[str, Thing] = {}
        self._seats: dict[str, Seat] = {}
        self._open: dict[tuple[Who, int], Wait] = {}
        self._withdrawn: OrderedDict[tuple[Who, int], None] = OrderedDict()
        self._last: OrderedDict[Who, _Last] = OrderedDict()  # by time
        self._is_forgetting = False

    def __len__(self) -> int:
        return len(self._things)

    def enter(self, seat: Seat) -> None:
        """A process begins to use it."""
        self._seats[seat.key] = seat

    def make(self, name: str, kind: str, args: tuple[Any, ...]) -> tuple[str, Any]:
        """A new thing; a condition's lock, and a cell's, is said by its name.

        Returns:
            (VALUE, None), or (RAISED, the exception) of what cannot be made.
        """
        try:
            thing = self._made(kind, args)
        except Exception as error:
            return RAISED, error
        thing.seats = self._seats
        self._things[name] = thing
        return VALUE, None

    def _made(self, kind: str, args: tuple[Any, ...]) -> Thing:
        if kind == "condition":
            return ConditionThing(self._lock(args[0]))
        if kind == "cell":
            data, of = args
            return CellThing(data, None if of is None else self._lock(of))
        if kind == "kept":
            factory, *given = self._unpack(args[0])
            return KeptThing(factory(*given), self._pack, self._unpack)
        return self._kinds[kind](*args)

    def _lock(self, name: str) -> LockThing:
        lock = self._things.get(name)
        if not isinstance(lock, LockThing):
            raise NoSuchObject("The lock is of another context, or is not there any more.")
        return lock

    def drop(self, names: Iterable[str]) -> None:
        """Nobody has these any more, or they end with their maker: who waits there is told."""
        for name in names:
            thing = self._things.pop(name, None)
            if thing is not None:
                thing.ended()

    async def call(
        self, who: Who, number: int, name: str, method: str, args: tuple[Any, ...],
        timeout_s: float | None,
    ) -> tuple[str, Any]:  # fmt: skip
        """What became of a call: VALUE and it, LATE, RAISED and the exception, or what lacks.

        Raises:
            asyncio.CancelledError: The loop ends.

        If a process dies: the caller's: nobody is told.
        """
        if who.seat not in self._seats:
            return NO_SEAT, None
        last = self._last.get(who)
        if last is not None and last.number == number and last.answer is not None:
            return last.answer  # B3
        self._last.pop(who, None)
        key = who, number
        if self._is_withdrawn(key):
            return LATE, None
        thing = self._things.get(name)
        if thing is None:
            return NO_THING, None
        try:
            function: Any = getattr(thing, method)
            if inspect.iscoroutinefunction(function):
                value = await function(who, timeout_s, lambda wait: self._keep(key, wait), *args)
            else:
                value = function(who, *args)
                if not isinstance(value, Undoable):
                    self._remember(key, (VALUE, value), None)
                    return VALUE, value
        except CallerGone:
            return NO_SEAT, None
        except ThingGone:
            return NO_THING, None
        except Exception as error:
            return RAISED, error
        finally:
            self._open.pop(key, None)
        return self._answered(key, value)

    def _answered(self, key: tuple[Who, int], value: Any) -> tuple[str, Any]:
        is_withdrawn = self._is_withdrawn(key)
        if isinstance(value, Undoable):
            if is_withdrawn:
                value.undo()
            else:
                self._remember(key, None, value.undo)
            value = value.value
        return (LATE, None) if value is NOT_YET or is_withdrawn else (VALUE, value)

    def _remember(self, key: tuple[Who, int], answer: Any, undo: Any) -> None:
        who, number = key
        self._last[who] = _Last(number, answer, undo, time.monotonic())
        if not self._is_forgetting:
            self._is_forgetting = True
            asyncio.get_running_loop().call_later(LAST_S, self._forget)

    def _forget(self) -> None:
        """Those that have had their answers long ago."""
        while self._last:
            oldest = next(iter(self._last))
            rest_s = self._last[oldest].at + LAST_S - time.monotonic()
            if rest_s > 0:
                asyncio.get_running_loop().call_later(rest_s, self._forget)
                return
            del self._last[oldest]
        self._is_forgetting = False

    def _is_withdrawn(self, key: tuple[Who, int]) -> bool:
        return self._withdrawn.pop(key, self) is None

    def _keep(self, key: tuple[Who, int], wait: Wait) -> None:
        self._open[key] = wait

    def withdraw(self, who: Who, number: int) -> None:
        """The caller was interrupted, and does not want what this call gives (B1, B2)."""
        last = self._last.get(who)
        if last is not None and last.number == number:
            del self._last[who]
            if last.undo is not None:
                last.undo()
            return
        self._withdrawn[who, number] = None
        while len(self._withdrawn) > WITHDRAWN_MAX:
            self._withdrawn.popitem(last=False)
        wait = self._open.get((who, number))
        if wait is not None:
            wait.end()

    def gone(self, key: str, orderly: bool) -> None:
        """A process is gone, or has nothing to do with it any more."""
        seat = self._seats.pop(key, None)
        if seat is None:
            return
        for who in [each for each in self._last if each.seat == key]:
            del self._last[who]  # what it had is taken back by the things
        for thing in list(self._things.values()):
            thing.gone(seat, orderly)

    def seats(self) -> dict[str, tuple[int, str, str]]:
        """The processes that use it, by key: pid, name and machine."""
        return {key: (seat.pid, seat.process, seat.host) for key, seat in self._seats.items()}
