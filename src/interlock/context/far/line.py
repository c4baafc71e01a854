"""The line from a process to a board; a substrate says how a call gets there and its answer back.

A handle describes what it wants as a `Call`. `run` waits for it as the substrate waits best, and
`arun` awaits it. Who is interrupted (Ctrl-C, a cancelled task) while he waits, or sends the call,
withdraws it: the board ends it, or undoes what it gave. A call without a wait, such as a release,
is run all the same, once. See B1 to B3 in `interlock.context.board.board`.
"""

from __future__ import annotations

import itertools
import math
import os
import secrets
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import process
from typing import Any

from interlock.context.board.answers import LATE, NO_SEAT, NO_THING, RAISED, VALUE
from interlock.context.board.seats import Seat, Who
from interlock.context.board.thing import NOT_YET
from interlock.errors import NoSuchObject, ServerGone

__all__ = ["Call", "Line", "Settled", "lane_of_thread", "limit_s", "seated"]


class Settled(Exception):
    """What the caller is told by an exception though the call was had: nothing is undone.

    Attributes:
        why: The exception.
    """

    def __init__(self, why: BaseException) -> None:
        super().__init__(why)
        self.why = why


@dataclass(frozen=True)
class Call:
    """A call of a thing's method.

    Attributes:
        name: Which thing.
        method: Which method.
        args: Its arguments.
        timeout_s: How long it may wait there; None for as long as it takes.
        lane: The caller's; None for the thread's.
        is_due: Whether it has an end that an interrupted caller waits for, too: the wait for a
            condition, which has its lock again then.
        is_once: Whether it is run though its caller is interrupted, and not withdrawn.
    """

    name: str
    method: str
    args: tuple[Any, ...] = ()
    timeout_s: float | None = 0.0
    lane: str | None = None
    is_due: bool = False
    is_once: bool = False


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


class _Here(threading.local):
    """The seat of this thread, where it has one of its own, and the lines by which it entered."""

    seat: str | None = None
    lines: tuple[Line, ...] = ()


_here = _Here()


@contextmanager
def seated() -> Iterator[None]:
    """Within the block this thread is a process of its own, whose end gives back what it has.

    Raises:
        ServerGone: At the end: a board is gone.

    If a process dies: this one: as its end.
    """
    before = _here.seat, _here.lines
    _here.seat, _here.lines = secrets.token_hex(8), ()
    try:
        yield
    finally:
        lines: tuple[Line, ...] = _here.lines
        seat = _here.seat
        _here.seat, _here.lines = before
        for line in lines:
            line._leave(str(seat))


def _raise_what_signals_raise() -> None:
    """Python runs the handlers of signals that have come when a function begins: this one."""


class Line:
    """A process's line to a board; one in each process, whatever the number of handles."""

    def __init__(self) -> None:
        self._seat = secrets.token_hex(8)
        self._numbers = itertools.count(1)
        self._entering = threading.Lock()
        self._entered: set[str] = set()
        self._dropped: list[str] = []  # by the garbage collector, which is not to call anybody

    # ---- what a substrate says ---------------------------------------------------

    def _send(self, method: str, *args: Any) -> Any:
        """Call a method of the board; what `_answer` and `_future` take; raises ServerGone."""
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

    def size(self, payload: Any) -> int:
        """Of what was packed, in bytes."""
        raise NotImplementedError

    # ---- what handles ask --------------------------------------------------------

    def make(self, kind: str, *args: Any) -> str:
        """A new thing; its name.

        Raises:
            ServerGone: The board is gone.
            NoSuchObject: It is of a lock that the board has not.
            Exception: What was raised when it was made.

        If a process dies: the board's: see Raises.
        """
        name = secrets.token_hex(8)
        self._drop_the_dropped()
        _read(self._answer(self._send("make", name, kind, args)))
        return name

    def drop(self, name: str) -> None:
        """Nobody has it any more; the board is told with the next call."""
        self._dropped.append(name)

    def run(
        self,
        call: Call,
        then: Callable[[Any], Any] | None = None,
        otherwise: Callable[[], Any] | None = None,
    ) -> Any:
        """What it returned, or what ``then`` makes of that; NOT_YET when its time was over.

        Args:
            call: What is called.
            then: Called with what it returned. As long as it runs the call is undone if the caller
                is interrupted; what it raises by itself is `Settled`.
            otherwise: Called when the time was over; what it returns is returned.

        Raises:
            ServerGone: The board is gone.
            NoSuchObject: It has no such thing any more.
            Settled: By ``then``.
            Exception: What the method raised.

        If a process dies: this one: the board takes back what it had. The board's: see Raises.
        """
        asked, sent = None, None
        try:
            asked = who, number = self._who(call)
            sent = self._send("call", who, number, *_parts(call))
            answer = self._answer(sent)
            _raise_what_signals_raise()
            if answer[0] == VALUE:  # from here on there is no step behind which it is returned
                return answer[1] if then is None else then(answer[1])
        except Settled:
            raise
        except ServerGone:
            with suppress(ServerGone):  # it may be that only the connection of this call is lost
                if asked is not None:
                    self._send(*_ending(call, *asked))
            raise
        except BaseException:  # Ctrl-C, or a TaskTimeout, which a handler raises at any step
            with suppress(Exception):  # the board is gone: there is nothing to undo
                if asked is None and call.is_once:
                    asked = self._who(call)
                if asked is not None:
                    self._answer(self._send(*_ending(call, *asked)))
                if sent is not None and call.is_due:
                    self._answer(sent)
            raise
        if self._is_unknown(who, answer):
            return self.run(call, then, otherwise)
        found = _read(answer)
        return found if otherwise is None else otherwise()

    async def arun(self, call: Call) -> Any:
        """The same, awaited, under asyncio and Trio.

        Raises:
            ServerGone: As in `run`.
            NoSuchObject: As in `run`.
            Exception: As in `run`.

        If a process dies: as in `run`.
        """
        from interlock._awaiting import anyio  # type: ignore[attr-defined]

        who, number = self._who(call)
        sent = self._send("call", who, number, *_parts(call))
        try:
            answer = await self._heard(sent)
        except ServerGone:
            with suppress(ServerGone):  # as in `run`
                self._send(*_ending(call, who, number))
            raise
        except BaseException:
            with anyio.CancelScope(shield=True), suppress(ServerGone):
                await self._heard(self._send(*_ending(call, who, number)))
                if call.is_due:
                    await self._heard(sent)
            raise
        return await self.arun(call) if self._is_unknown(who, answer) else _read(answer)

    async def _heard(self, sent: Any) -> Any:
        """As `_answer`, awaited.

        Raises:
            ServerGone: As there.

        If a process dies: the board's: see Raises.
        """
        from interlock.pool.aio import _Bell

        future, bell = self._future(sent), _Bell()
        future.add_done_callback(lambda _: bell.ring())
        await bell.heard(lambda: None)
        return future.result(0)

    def tell(self, call: Call) -> None:
        """Have it called, and wait for nothing."""
        who, number = self._who(call)
        self._send("call", who, number, *_parts(call))

    def seats(self) -> dict[str, tuple[int, str, str]]:
        """The processes that use the board, by key: pid, name and machine."""
        found: dict[str, tuple[int, str, str]] = self._answer(self._send("seats"))
        return found

    def leave(self) -> None:
        """This process has done: what it has comes back, as if it had died."""
        seat, self._seat = self._seat, secrets.token_hex(8)
        self._leave(seat)

    # ---- within ------------------------------------------------------------------

    def _leave(self, seat: str) -> None:
        with self._entering:
            has_entered = seat in self._entered
            self._entered.discard(seat)
        if has_entered:
            self._answer(self._send("gone", seat, True))

    def _who(self, call: Call) -> tuple[Who, int]:
        seat = _here.seat or self._seat
        if seat not in self._entered:
            with self._entering:
                if seat not in self._entered:
                    if _here.seat is not None:
                        _here.lines += (self,)
                    name = process.current_process().name
                    self._enter(Seat(seat, os.getpid(), name, socket.gethostname()))
                    self._entered.add(seat)
        self._drop_the_dropped()
        return Who(seat, call.lane or lane_of_thread()), next(self._numbers)

    def _drop_the_dropped(self) -> None:
        if self._dropped:
            dropped, self._dropped = self._dropped, []
            self._send("drop", dropped)

    def _is_unknown(self, who: Who, answer: Any) -> bool:
        """Whether the board thought this process dead, as after a cut of the network.

        What it had is others' now; it begins again.
        """
        if answer[0] == NO_SEAT:
            self._entered.discard(who.seat)
        return bool(answer[0] == NO_SEAT)


def _parts(call: Call) -> tuple[str, str, tuple[Any, ...], float | None]:
    return call.name, call.method, call.args, call.timeout_s


def _ending(call: Call, who: Who, number: int) -> tuple[Any, ...]:
    """What the board is told when the caller was interrupted."""
    if call.is_once:
        return "call", who, number, *_parts(call)
    return "withdraw", who, number


def _read(answer: Any) -> Any:
    kind, value = answer
    if kind == RAISED:
        raise value
    if kind == NO_THING:
        raise NoSuchObject(
            "The object is not there any more: its maker has ended or let go of it before this "
            "process had it, or its context was closed. Keep it where it was made as long as it "
            "is used."
        )
    return NOT_YET if kind == LATE else value
