"""A board: things by name, the processes that use them, and the calls under way.

An actor of a cluster has one, and passes on to it what is called from afar. It runs in one event
loop, and is asked by `call` alone:

    caller ── (who, number, name, method, arguments, seconds) ──> Board.call ──> a thing's method
           <── (answer, value) ────────────────────────────────────────┘ waits there if need be

A caller that is interrupted sends `withdraw` with the number: the call ends then as if its time
were over, or has ended already, and its answer says which. Who is gone is told to each thing by
`gone`, which takes back what it had.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from interlock.context.board.kept import KeptThing
from interlock.context.board.locks import LockThing, SemaphoreThing
from interlock.context.board.queues import QueueThing
from interlock.context.board.seats import Seat, Who
from interlock.context.board.signals import BarrierThing, ConditionThing, EventThing
from interlock.context.board.thing import NOT_YET, CallerGone, Thing, Wait

__all__ = ["LATE", "NO_SEAT", "NO_THING", "RAISED", "VALUE", "Board"]

VALUE, LATE, RAISED, NO_THING, NO_SEAT = "value", "late", "raised", "no thing", "no seat"

_KINDS: dict[str, Callable[..., Thing]] = {
    "lock": LockThing,
    "semaphore": SemaphoreThing,
    "event": EventThing,
    "barrier": BarrierThing,
    "queue": QueueThing,
}


class Board:
    """Things, and who uses them.

    Args:
        pack: Makes of a value what travels; for objects that are kept here.
        unpack: The reverse.
    """

    def __init__(self, pack: Callable[[Any], Any], unpack: Callable[[Any], Any]) -> None:
        self._pack, self._unpack = pack, unpack
        self._things: dict[str, Thing] = {}
        self._seats: dict[str, Seat] = {}
        self._open: dict[tuple[str, int], Wait] = {}

    def enter(self, seat: Seat) -> None:
        """A process begins to use it."""
        self._seats[seat.key] = seat

    def make(self, name: str, kind: str, args: tuple[Any, ...]) -> None:
        """A new thing; a condition's lock, and an object's, is said by its name."""
        if kind == "condition":
            lock = self._things[args[0]]
            assert isinstance(lock, LockThing), "a condition is made with a lock's name"
            self._things[name] = ConditionThing(lock)
        elif kind == "kept":
            payload, of = args
            factory, *given = self._unpack(payload)
            guard = None if of is None else self._things[of]
            assert guard is None or isinstance(guard, LockThing), "an object is guarded by a lock"
            self._things[name] = KeptThing(factory(*given), guard, self._pack, self._unpack)
        else:
            self._things[name] = _KINDS[kind](*args)

    def drop(self, names: list[str]) -> None:
        """Nobody has these any more."""
        for name in names:
            self._things.pop(name, None)

    async def call(
        self, who: Who, number: int, name: str, method: str, args: tuple[Any, ...],
        timeout_s: float | None,
    ) -> tuple[str, Any]:  # fmt: skip
        """What became of a call: VALUE and it, LATE, RAISED and the exception, or what lacks.

        Raises:
            AttributeError: The thing has no such method.

        If a process dies: the caller's: nobody is told.
        """
        thing = self._things.get(name)
        if who.seat not in self._seats:
            return NO_SEAT, None
        if thing is None:
            return NO_THING, None
        key = who.seat, number
        function: Any = getattr(thing, method)
        try:
            if inspect.iscoroutinefunction(function):
                value = await function(who, timeout_s, lambda wait: self._keep(key, wait), *args)
            else:
                value = function(who, *args)
        except CallerGone:
            return LATE, None
        except Exception as error:
            return RAISED, error
        finally:
            self._open.pop(key, None)
        return (LATE, None) if value is NOT_YET else (VALUE, value)

    def _keep(self, key: tuple[str, int], wait: Wait) -> None:
        self._open[key] = wait

    def withdraw(self, seat: str, number: int) -> None:
        """The caller does not wait any longer; its call answers at once."""
        wait = self._open.get((seat, number))
        if wait is not None:
            wait.end()

    def gone(self, key: str, orderly: bool) -> None:
        """A process is gone, or has nothing to do with it any more."""
        seat = self._seats.pop(key, None)
        if seat is None:
            return
        for thing in list(self._things.values()):
            thing.gone(seat, orderly)

    def seats(self) -> dict[str, tuple[int, str, str]]:
        """The processes that use it, by key: pid, name and machine."""
        return {key: (seat.pid, seat.process, seat.host) for key, seat in self._seats.items()}
