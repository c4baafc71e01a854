"""Queue, SimpleQueue and JoinableQueue on a board.

A message is packed here, in `put`, and unpacked in `get`; the board reads none. `get` unpacks a
message, says that it has arrived, and returns it: until then it is the board's, and goes to another
if this process dies. If this one is interrupted then, the message is put back.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, SupportsIndex

from interlock.context.board.thing import NOT_YET
from interlock.context.far.delivery import FarDelivery, nothing_came
from interlock.context.far.handle import Handle
from interlock.context.far.line import Call, Line, Settled, limit_s
from interlock.errors import Full, QueueClosed, ServerGone, ShutDown
from interlock.queues.base import core_limits
from interlock.queues.dead_letters import DeadLetters
from interlock.queues.statistics import QueueStatistics

if TYPE_CHECKING:
    from interlock.context.far.aio import AwaitableQueue

__all__ = ["FarJoinableQueue", "FarQueue", "FarSimpleQueue"]


MAX_BYTES = 256 << 20  # by default


class FarSimpleQueue(Handle):
    """A queue with `multiprocessing.SimpleQueue`'s interface, between processes of any machine.

    Args:
        line: To the board that keeps it.
        maxsize: How many messages it holds at the most; 0 or less for no bound.
        max_bytes: Bytes of them at the most, as they lie there; None for 256 MiB, as whoever keeps
            them has them in its memory.
        max_deliveries: How often a message is delivered under a lease before it goes to the
            `dead_letters`; None for no bound.

    Raises:
        ValueError: max_bytes or max_deliveries is less than 1.
        ServerGone: The board is gone.

    If a process dies: What it had put is delivered; what it was getting, or had leased, is
        delivered to another. The board's: what is in the queue is lost, and all who use it get
        `ServerGone`.
    """

    _kind = "queue"
    _is_open = True

    def __init__(
        self,
        line: Line,
        maxsize: SupportsIndex = 0,
        *,
        max_bytes: int | None = None,
        max_deliveries: int | None = None,
    ) -> None:
        size = MAX_BYTES if max_bytes is None else max_bytes
        messages, size, _, deliveries, _ = core_limits(int(maxsize), size, max_deliveries)
        self._limits = messages, size, deliveries
        super().__init__(line, *self._limits)

    def _state(self) -> dict[str, Any]:
        return {"_limits": self._limits}

    def _check_open(self) -> None:
        if not self._is_open:
            raise QueueClosed("This process has closed its handle of the queue.")

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        """Put a message; when this returns it will be delivered, whatever becomes of this process.

        Args:
            obj: The message.
            block: Whether to wait for room.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Full: There was no room in time.
            ShutDown: The queue was shut down.
            MessageTooLarge: It is larger than the queue may ever hold.
            SerializationError: A part of the object cannot be serialized.
            QueueClosed: This handle was closed.
            ServerGone: The board is gone.

        If a process dies: this one: the message was put whole or not at all.
        """
        if self._line.run(self._putting(obj, block, timeout)) is NOT_YET:
            raise Full("There was no room in the queue in time.")

    def _putting(self, obj: Any, block: bool, timeout: float | None) -> Call:
        self._check_open()
        return self._call("put", *self._packed(obj), timeout_s=limit_s(block, timeout))

    def _packed(self, obj: Any) -> tuple[Any, int]:
        payload = self._line.pack(obj)
        return payload, self._line.size(payload)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        """Take the oldest message.

        Args:
            block: Whether to wait for one.
            timeout: How long to wait for it, in seconds; None for as long as it takes.

        Raises:
            Empty: No message came in time.
            ShutDown: The queue was shut down and nothing is left.
            QueueClosed: This handle was closed.
            ServerGone: The board is gone.

        If a process dies: this one, before it returns: the message goes to another.
        """
        return self._got(1, limit_s(block, timeout))[0]

    def _got(self, number: int, timeout_s: float | None) -> list[Any]:
        ends = None if timeout_s is None else time.monotonic() + timeout_s
        try:
            return self._got_until(number, ends)
        except Settled as settled:
            raise settled.why from None

    def _got_until(self, number: int, ends: float | None) -> list[Any]:
        rest = None if ends is None else max(0.0, ends - time.monotonic())

        def arrive(taken: Any) -> Any:
            try:
                arrived, given = self._unpacked(taken)
                return self._line.run(
                    self._arriving(arrived),
                    # Else they are another's meanwhile: this process was thought dead.
                    lambda is_here: given() if is_here else self._got_until(number, ends),
                )
            except Settled:
                raise
            except BaseException:
                with suppress(ServerGone):
                    self._line.run(self._giving_back(taken))
                raise

        taking = self._taking(number, rest)
        return self._line.run(taking, arrive, nothing_came)  # type: ignore[no-any-return]

    def _unpacked(self, taken: Any) -> tuple[Any, Callable[[], list[Any]]]:
        """What of `taken` can be given, and what gives it; what cannot be read ends it, and is an
        error if it is the first.

        The board lets go of them later: handles in them keep now what they are of.
        """
        values: list[Any] = []
        why: Exception | None = None
        for _, payload, _ in taken:
            try:
                values.append(self._line.unpack(payload))
            except Exception as error:
                why = error
                break
        number = max(1, len(values))
        if taken[number:]:
            self._line.run(self._giving_back(taken[number:]))

        def given() -> list[Any]:
            if not values and why is not None:
                raise Settled(why)
            return values

        return taken[:number], given

    def _taking(self, number: int, timeout_s: float | None, leased: bool = False) -> Call:
        self._check_open()
        return self._call("take", number, leased, timeout_s=timeout_s)

    def _arriving(self, taken: Any) -> Call:
        return self._call("done", [ticket for ticket, *_ in taken])

    def _giving_back(self, taken: Any) -> Call:
        return self._step("give_back", [ticket for ticket, *_ in taken])

    def empty(self) -> bool:
        """Whether there is no message that could be taken."""
        return self._counts()[0] == 0

    def _counts(self) -> tuple[int, int, int, int, bool]:
        self._check_open()
        counts: tuple[int, int, int, int, bool] = self._ask("counts")
        return counts

    def close(self) -> None:
        """Give up this process's handle; other handles go on, and what was put is delivered."""
        self._is_open = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


class FarQueue(FarSimpleQueue):
    """A queue with the interface of `interlock.Queue`, between processes of any machine."""

    def put_nowait(self, obj: Any) -> None:
        """As `put` with block=False."""
        self.put(obj, False)

    def get_nowait(self) -> Any:
        """As `get` with block=False."""
        return self.get(False)

    def put_many(
        self, objs: Iterable[Any], block: bool = True, timeout: float | None = None
    ) -> None:
        """Put messages, one after the other.

        Args:
            objs: The messages.
            block: Whether to wait for room.
            timeout: How long to wait for the room of each, in seconds.

        Raises:
            Full: There was no room in time; `accepted` says how many were put.

        If a process dies: this one: some first messages were put, each of them whole.
        """
        messages = list(objs)
        self._check_open()
        accepted = self._ask("put_many", [self._packed(each) for each in messages])
        while accepted < len(messages):
            try:
                self.put(messages[accepted], block, timeout)
            except Full as full:
                full.accepted = accepted
                raise
            accepted += 1

    def get_many(self, max_messages: int, timeout: float | None = None) -> list[Any]:
        """Take those that are there, at least one and at most so many.

        Args:
            max_messages: How many at the most, 1 or more.
            timeout: How long to wait for the first, in seconds.

        Raises:
            ValueError: max_messages is less than 1.
            Empty: No message came in time.
            ShutDown: The queue was shut down and nothing is left.

        If a process dies: this one, before it returns: they go to another.
        """
        if max_messages < 1:
            raise ValueError(f"max_messages is {max_messages}; give at least 1")
        return self._got(max_messages, limit_s(True, timeout))

    def lease(self, timeout: float | None = None) -> FarDelivery:
        """A message that is delivered again if the ``with`` block raises, or its process dies.

        Args:
            timeout: How long to wait for one on entry, in seconds; None for as long as it takes.

        Raises:
            Empty: On entry: no message came in time.
            ShutDown: On entry: the queue was shut down and nothing is left.

        If a process dies: this one: the message is delivered to another consumer.
        """
        self._check_open()
        return FarDelivery(self, timeout)

    def qsize(self) -> int:
        """How many messages could be taken."""
        return self._counts()[0]

    def full(self) -> bool:
        """Whether there is no room for another."""
        ready, taken, *_ = self._counts()
        return 0 < self._limits[0] <= ready + taken

    def shutdown(self, immediate: bool = False) -> None:
        """Put an end to the queue in all processes, as `queue.Queue.shutdown` does in one.

        Args:
            immediate: Drop what is in the queue.
        """
        self._check_open()
        self._ask("shutdown", bool(immediate))

    def __iter__(self) -> Iterator[Any]:
        """Take messages until the queue is shut down and empty."""
        while True:
            try:
                message = self.get()
            except ShutDown:
                return
            yield message

    @property
    def dead_letters(self) -> DeadLetters[Any]:
        """The messages that were delivered `max_deliveries` times and never acknowledged."""
        letters: Any = self
        return DeadLetters(letters)

    def _get_dead(self, block: bool, timeout: float | None) -> Any:
        call = self._call("take_dead", timeout_s=limit_s(block, timeout))
        try:
            return self._line.run(call, self._dead_one, nothing_came)
        except Settled as settled:
            raise settled.why from None

    def _dead_one(self, found: Any) -> Any:
        try:
            return self._line.unpack(found[0])
        except Exception as error:
            raise Settled(error) from None

    def statistics(self) -> QueueStatistics:
        """What is in the queue at this moment; the processes are those of the whole context."""
        ready, leased, dead, put, is_shut = self._counts()
        users = tuple(sorted(pid for pid, *_ in self._line.seats().values()))
        return QueueStatistics(ready, leased, dead, put, *self._limits, users, is_shut_down=is_shut)

    def join_thread(self) -> None:
        """Does nothing: there is no thread."""

    def cancel_join_thread(self) -> None:
        """Does nothing: no exit waits for a queue."""

    @property
    def aio(self) -> AwaitableQueue:
        """The same methods to be awaited, under asyncio and Trio."""
        from interlock.context.far.aio import AwaitableQueue

        return AwaitableQueue(self)


class FarJoinableQueue(FarQueue):
    """A queue with `task_done` and `join`; a lease that ends well is a task that is done."""

    def task_done(self) -> None:
        """Say that the work on a message that `get` gave is done.

        Raises:
            ValueError: Called more often than there were messages.
        """
        self._check_open()
        self._ask("task_done")

    def join(self) -> None:
        """Wait until the work on every message that was put is done.

        Raises:
            ServerGone: The board is gone.

        If a process dies: a task it had taken by `get` is never done, and this waits for ever;
            take messages by `lease` where that may happen.
        """
        self._check_open()
        self._wait_for("join")
