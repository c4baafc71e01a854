"""A board: things by name, the processes that use them, and the calls under way.

An actor of a cluster has one, and passes on to it what is called from afar. It runs in one event
loop, and is asked by `call` alone:

    caller ── (who, number, name, method, arguments, seconds) ──> Board.call ──> a thing's method
           <── (answer, value) ────────────────────────────────────────┘ waits there if need be

A caller that is interrupted sends `withdraw` with the number of its call:

B1. One that waits ends at once. One that comes later, having been overtaken, does nothing.
B2. One that was answered is undone, if its caller has not called anything since; a caller does one
    thing after the other, and whoever asks for the next has had the answer to the last.
B3. So whatever moment an interruption hits, the caller has got nothing that it does not know of.

Who is gone is told to each thing by `gone`, which takes back what it had.
"""

from __future__ import annotations

import inspect
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from interlock.context.board.answers import LATE, NO_SEAT, NO_THING, RAISED, VALUE
from interlock.context.board.cell import CellThing
from interlock.context.board.kept import KeptThing
from interlock.context.board.locks import LockThing, SemaphoreThing
from interlock.context.board.queues import QueueThing
from interlock.context.board.seats import Seat, Who
from interlock.context.board.signals import BarrierThing, ConditionThing, EventThing
from interlock.context.board.thing import NOT_YET, CallerGone, Thing, ThingGone, Undoable, Wait

__all__ = ["Board"]

WITHDRAWN_MAX = 10_000  # calls that were withdrawn before they came

_KINDS: Mapping[str, Callable[..., Thing]] = {
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
        self._undo: dict[Who, tuple[int, Callable[[], object]]] = {}  # of the last call of each

    def __len__(self) -> int:
        return len(self._things)

    def enter(self, seat: Seat) -> None:
        """A process begins to use it."""
        self._seats[seat.key] = seat

    def make(self, name: str, kind: str, args: tuple[Any, ...]) -> None:
        """A new thing; a condition's lock, and an object's, is said by its name."""
        if kind == "condition":
            lock = self._guard(args[0])
            assert lock is not None, "a condition has a lock"
            self._things[name] = ConditionThing(lock)
        elif kind == "cell":
            data, of = args
            self._things[name] = CellThing(data, self._guard(of))
        elif kind == "kept":
            factory, *given = self._unpack(args[0])
            self._things[name] = KeptThing(factory(*given), self._pack, self._unpack)
        else:
            self._things[name] = self._kinds[kind](*args)

    def _guard(self, name: str | None) -> LockThing | None:
        guard = None if name is None else self._things[name]
        assert guard is None or isinstance(guard, LockThing), "a lock guards, and nothing else"
        return guard

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
            AttributeError: The thing has no such method.

        If a process dies: the caller's: nobody is told.
        """
        thing = self._things.get(name)
        key = who, number
        if who.seat not in self._seats:
            return NO_SEAT, None
        self._undo.pop(who, None)
        if self._is_withdrawn(key):
            return LATE, None
        if thing is None:
            return NO_THING, None
        function: Any = getattr(thing, method)
        try:
            if inspect.iscoroutinefunction(function):
                value = await function(who, timeout_s, lambda wait: self._keep(key, wait), *args)
            else:
                value = function(who, *args)
        except CallerGone:
            return LATE, None
        except ThingGone:
            return NO_THING, None
        except Exception as error:
            return RAISED, error
        finally:
            self._open.pop(key, None)
        return self._answered(key, value)

    def _answered(self, key: tuple[Who, int], value: Any) -> tuple[str, Any]:
        who, number = key
        is_withdrawn = self._is_withdrawn(key)
        if isinstance(value, Undoable):
            if is_withdrawn:
                value.undo()
            elif who.seat in self._seats:  # else the things have taken it back
                self._undo[who] = number, value.undo
            value = value.value
        return (LATE, None) if value is NOT_YET or is_withdrawn else (VALUE, value)

    def _is_withdrawn(self, key: tuple[Who, int]) -> bool:
        return self._withdrawn.pop(key, self) is None

    def _keep(self, key: tuple[Who, int], wait: Wait) -> None:
        self._open[key] = wait

    def withdraw(self, who: Who, number: int) -> None:
        """The caller was interrupted, and does not want what this call gives (B1, B2)."""
        answered, undo = self._undo.get(who, (None, None))
        if answered == number and undo is not None:
            del self._undo[who]
            undo()
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
        for who in [each for each in self._undo if each.seat == key]:
            del self._undo[who]  # what it had is taken back by the things
        for thing in list(self._things.values()):
            thing.gone(seat, orderly)

    def seats(self) -> dict[str, tuple[int, str, str]]:
        """The processes that use it, by key: pid, name and machine."""
        return {key: (seat.pid, seat.process, seat.host) for key, seat in self._seats.items()}
