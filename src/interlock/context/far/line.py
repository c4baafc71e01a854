"""The line from a process to a board; a substrate says how a call gets there and its answer back.

A handle describes what it wants as a `Call`. `run` waits for it as the substrate waits best, and
`arun` awaits it. Who is interrupted while he waits (Ctrl-C, a cancelled task) withdraws the call:
the board ends it, and what it had got all the same is undone.
"""

from __future__ import annotations

import itertools
import math
import os
import secrets
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import process
from typing import Any

from interlock.context.board.board import LATE, NO_SEAT, NO_THING, RAISED
from interlock.context.board.seats import Seat, Who
from interlock.context.board.thing import NOT_YET
from interlock.errors import NoSuchObject, ServerGone

__all__ = ["Call", "Line", "lane_of_thread", "limit_s"]


@dataclass(frozen=True)
class Call:
    """A call of a thing's method.

    Attributes:
        name: Which thing.
        method: Which method.
        args: Its arguments.
        timeout_s: How long it may wait there; None for as long as it takes.
        undo: Undoes what it returned, if nobody gets that.
        lane: The caller's; None for the thread's.
    """

    name: str
    method: str
    args: tuple[Any, ...] = ()
    timeout_s: float | None = 0.0
    undo: Callable[[Any], object] | None = None
    lane: str | None = None


def lane_of_thread() -> str:
    """By which a board knows this thread."""
    return f"thread {threading.get_native_id()}"


def limit_s(block: bool, timeout: float | None) -> float | None:
    """How long a call may wait that has these arguments; None for as long as it takes.

    Raises:
        TypeError: The timeout is no number.

    If a process dies: it waits for none.
    """
    if not block:
        return 0.0
    return None if timeout is None or timeout == math.inf else max(0.0, timeout)


class Line:
    """A process's line to a board; one in each process, whatever the number of handles."""

    def __init__(self) -> None:
        self._seat = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._entering = threading.Lock()
        self._has_entered = False
        self._dropped: list[str] = []  # by the garbage collector, which is not to call anybody

    # ---- what a substrate says ---------------------------------------------------

    def _send(self, method: str, *args: Any) -> Any:
        """Call a method of the board; what `_answer` and `_future` take."""
        raise NotImplementedError

    def _answer(self, sent: Any) -> Any:
        """Wait for what it returned; raises ServerGone."""
        raise NotImplementedError

    def _future(self, sent: Any) -> Future[Any]:
        """What it will return, as a future; raises ServerGone."""
        raise NotImplementedError

    def _enter(self, seat: Seat) -> None:
        """Let the board know of this process, and notice its end."""
        raise NotImplementedError

    def pack(self, value: Any) -> Any:
        """An object as what travels; raises SerializationError."""
        raise NotImplementedError

    def unpack(self, payload: Any) -> Any:
        """The object."""
        raise NotImplementedError

    # ---- what handles ask --------------------------------------------------------

    def make(self, kind: str, *args: Any) -> str:
        """A new thing; its name.

        Raises:
            ServerGone: The board is gone.

        If a process dies: the board's: see Raises.
        """
        name = secrets.token_hex(8)
        self._drop_the_dropped()
        self._answer(self._send("make", name, kind, args))
        return name

    def drop(self, name: str) -> None:
        """Nobody has it any more; the board is told with the next call."""
        self._dropped.append(name)

    def run(self, call: Call) -> Any:
        """What it returned; NOT_YET when its time was over.

        Raises:
            ServerGone: The board is gone.
            NoSuchObject: It has no such thing any more.
            Exception: What the method raised.

        If a process dies: this one: the board takes back what it had. The board's: see Raises.
        """
        who, number = self._who(call)
        sent = self._send("call", who, number, call.name, call.method, call.args, call.timeout_s)
        try:
            answer = self._answer(sent)
        except ServerGone:
            raise
        except BaseException:  # Ctrl-C, or the end of a task's time, by a handler
            with suppress(Exception):  # the board is gone: there is nothing to undo
                self._send("withdraw", self._seat, number)
                self._undone(call, self._answer(sent))
            raise
        return self._read(call, answer)

    async def arun(self, call: Call, to_the_end: bool = False) -> Any:
        """The same, awaited, under asyncio and Trio.

        Args:
            call: As in `run`.
            to_the_end: Whether a cancelled one waits for the answer after it was withdrawn.

        Raises:
            ServerGone: As in `run`.
            NoSuchObject: As in `run`.
            Exception: As in `run`.

        If a process dies: as in `run`.
        """
        from interlock._awaiting import anyio  # type: ignore[attr-defined]
        from interlock.pool.aio import _Bell

        who, number = self._who(call)
        sent = self._send("call", who, number, call.name, call.method, call.args, call.timeout_s)
        future = self._future(sent)
        bell, end = _Bell(), _Bell()
        future.add_done_callback(lambda _: bell.ring())
        future.add_done_callback(lambda _: end.ring())

        def withdraw() -> None:
            self._send("withdraw", self._seat, number)
            future.add_done_callback(lambda done: self._undone(call, done.result()))

        try:
            await bell.heard(withdraw)
        except BaseException:
            if to_the_end:
                with anyio.CancelScope(shield=True):
                    await end.heard(lambda: None)
            raise
        return self._read(call, future.result(0))

    def tell(self, call: Call) -> None:
        """Have it called, and wait for nothing."""
        who, number = self._who(call)
        self._send("call", who, number, call.name, call.method, call.args, 0.0)

    def seats(self) -> dict[str, tuple[int, str, str]]:
        """The processes that use the board, by key: pid, name and machine."""
        found: dict[str, tuple[int, str, str]] = self._answer(self._send("seats"))
        return found

    def is_mine(self, who: Who | None) -> bool:
        """Whether it is this process's."""
        return who is not None and who.seat == self._seat

    def leave(self) -> None:
        """This process has done: what it has comes back, as if it had died."""
        with self._entering:
            if self._has_entered:
                self._has_entered = False
                self._answer(self._send("gone", self._seat, True))
                self._seat = secrets.token_hex(8)

    # ---- within ------------------------------------------------------------------

    def _who(self, call: Call) -> tuple[Who, int]:
        if not self._has_entered:
            with self._entering:
                if not self._has_entered:
                    name = process.current_process().name
                    self._enter(Seat(self._seat, os.getpid(), name, socket.gethostname()))
                    self._has_entered = True
        self._drop_the_dropped()
        return Who(self._seat, call.lane or lane_of_thread()), next(self._numbers)

    def _drop_the_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, []
            self._send("drop", dropped)

    def _undone(self, call: Call, answer: Any) -> None:
        kind, value = answer
        if kind not in (LATE, RAISED, NO_SEAT, NO_THING) and call.undo is not None:
            call.undo(value)

    def _read(self, call: Call, answer: Any) -> Any:
        kind, value = answer
        if kind == RAISED:
            raise value
        if kind == NO_SEAT:
            # It was thought dead, as after a cut of the network: what it had is others' now.
            self._has_entered = False
            return self.run(call)
        if kind == NO_THING:
            raise NoSuchObject(
                "The object is not there any more: its maker let go of it before this process had "
                "it, or its context was closed. Keep it where it was made as long as it is used."
            )
        return NOT_YET if kind == LATE else value
