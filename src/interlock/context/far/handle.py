"""What all handles share: a name on a board, and the line to it. They may be sent to any task."""

from __future__ import annotations

import math
import weakref
from datetime import UTC, datetime
from typing import Any

from interlock.context.board.seats import Left, Who
from interlock.context.far.line import Call, Line
from interlock.synchronize.owner import Abandonment, Holder

__all__ = ["Handle", "abandonment", "holder"]


class Handle:
    """A thing of a board, as a process has it."""

    _kind = ""

    def __init__(self, line: Line, *args: Any) -> None:
        self._line = line
        self._name = line.make(self._kind, *args)
        # As long as it was never sent, it goes with this handle; else with the board.
        self._last = weakref.finalize(self, line.drop, self._name)
        self._last.atexit = False

    def _call(
        self,
        method: str,
        *args: Any,
        timeout_s: float | None = 0.0,
        lane: str | None = None,
        is_due: bool = False,
    ) -> Call:
        """A call that may wait; withdrawn if its caller is interrupted."""
        return Call(self._name, method, args, timeout_s, lane, is_due)

    def _step(self, method: str, *args: Any, lane: str | None = None) -> Call:
        """A call that does not wait; run once, also if its caller is interrupted."""
        return Call(self._name, method, args, 0.0, lane, is_once=True)

    def _ask(self, method: str, *args: Any) -> Any:
        return self._line.run(self._step(method, *args))

    def _wait_for(self, method: str, *args: Any, timeout_s: float | None = None) -> Any:
        return self._line.run(self._call(method, *args, timeout_s=timeout_s))

    def _state(self) -> dict[str, Any]:
        """What a copy needs to know besides."""
        return {}

    def __reduce__(self) -> tuple[Any, ...]:
        last = getattr(self, "_last", None)
        if last is not None:
            last.detach()
        return _attached, (type(self), self._line, self._name, self._state())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Handle) and other._name == self._name

    def __hash__(self) -> int:
        return hash(self._name)


def _attached(kind: type[Handle], line: Line, name: str, state: dict[str, Any]) -> Handle:
    handle = kind.__new__(kind)
    handle._line, handle._name = line, name
    handle.__dict__.update(state)
    return handle


def holder(who: Who, held_s: float, seats: dict[str, tuple[int, str, str]]) -> Holder | None:
    """Who has something; None where the process is gone meanwhile."""
    seat = seats.get(who.seat)
    if seat is None:
        return None
    pid, process, host = seat
    since = datetime.fromtimestamp(datetime.now(UTC).timestamp() - held_s, UTC)
    return Holder(pid, f"{process} on {host}", _number(who.lane), since)


def abandonment(left: Left) -> Abandonment:
    """Who died and had something, as locks between processes tell it."""
    held_s = left.held_s if math.isfinite(left.held_s) else 0.0
    since = datetime.fromtimestamp(left.noticed - held_s, UTC)
    when = datetime.fromtimestamp(left.noticed, UTC)
    # Which thread of it matters to nobody: it is the process that is gone.
    return Abandonment(left.pid, f"{left.process} on {left.host}", left.pid, since, when)


def _number(lane: str) -> int:
    return int(lane.split()[-1])
