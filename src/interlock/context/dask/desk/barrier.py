"""A barrier at the desk: nobody passes before all have come."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from interlock.context.dask.desk.answers import ACT, BROKEN, OK, Answer
from interlock.context.dask.desk.thing import IsGone, Thing
from interlock.context.dask.desk.turns import Caller

__all__ = ["BarrierThing"]


@dataclass(eq=False)
class _Round:
    passed: asyncio.Future[bool]
    arrived: list[tuple[Caller, str]] = field(default_factory=list)
    missing: list[object] | None = None  # who died, if that broke it


class BarrierThing(Thing):
    """Rounds of so many parties.

    Args:
        maker: As in `Thing`.
        parties: How many.
        acts: Whether the last to come runs an action before all pass.
    """

    def __init__(self, maker: str, parties: int, acts: bool) -> None:
        super().__init__(maker)
        self._parties = parties
        self._acts = acts
        self._is_broken = False
        self._round: _Round | None = None
        self._acting: _Round | None = None  # full, and its action is run

    async def do_wait(self, caller: Caller, ticket: str, wait_s: float | None) -> Answer:
        """Wait for the others; the number of this one, from the parties - 1 down to 0.

        If a process dies: one that has come, or runs the action: the barrier is broken.
        """
        if self._is_broken:
            return BROKEN, None
        if self._round is None:
            self._round = _Round(asyncio.get_running_loop().create_future())
        mine = self._round
        mine.arrived.append((caller, ticket))
        index = self._parties - len(mine.arrived)
        if index == 0:
            self._round = None
            if self._acts:
                self._acting = mine
                return ACT, index
            mine.passed.set_result(True)
        await asyncio.wait([mine.passed], timeout=wait_s)
        if not mine.passed.done():
            self._break()
        return (OK, index) if mine.passed.result() else (BROKEN, mine.missing)

    def do_acted(self, caller: Caller, ticket: str, wait_s: object, is_well: bool) -> Answer:
        """The action was run: all pass; or it failed, and nobody does."""
        acting, self._acting = self._acting, None
        if acting is None:
            return BROKEN, None
        if is_well:
            acting.passed.set_result(True)
        else:
            self._acting = acting
            self._break()
        return OK, 0

    def do_abort(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """Break it."""
        self._break()
        return OK, None

    def do_reset(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """As new; those that wait get an error."""
        self._break()
        self._is_broken = False
        return OK, None

    def do_look(self, caller: Caller, ticket: str, wait_s: object) -> Answer:
        """How many wait, and whether it is broken."""
        return OK, [len(self._round.arrived) if self._round else 0, self._is_broken]

    def _break(self, missing: list[object] | None = None) -> None:
        self._is_broken = True
        for each in (self._round, self._acting):
            if each is not None and not each.passed.done():
                each.missing = missing
                each.passed.set_result(False)
        self._round = self._acting = None

    def forget(self, is_gone: IsGone) -> None:
        """As `Thing.forget`."""
        for each in (self._round, self._acting):
            for who, ticket in each.arrived if each else ():
                if is_gone(who, ticket):
                    is_dead = is_gone(who, "")  # else it gave its call up, and lives
                    self._break([who.host, who.pid, who.thread] if is_dead else None)
                    break

    def end(self, answer: Answer) -> None:
        """As `Thing.end`."""
        self._break()
