"""Queues that each break one promise, and nothing else. What a suite must find out."""

from __future__ import annotations

import contextlib
import os
import queue as standard
import threading
from collections.abc import Callable
from typing import Any

import interlock


class Sound:
    """Passes everything on to a queue of ours; those below differ from it in one respect."""

    def __init__(self, **options: Any) -> None:
        self.inner: Any = interlock.Queue(**options)

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        self.inner.put(obj, block, timeout)

    def put_nowait(self, obj: Any) -> None:
        self.put(obj, False)

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return self.inner.get(block, timeout)

    def get_nowait(self) -> Any:
        return self.get(False)

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # while it is unpickled
            raise AttributeError(name)
        return getattr(self.inner, name)

    def __iter__(self) -> Any:
        return iter(self.inner)


class LosesEveryTenth(Sound):
    count = 0

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        self.count += 1
        if self.count % 10:
            super().put(obj, block, timeout)


class DeliversEveryTenthTwice(Sound):
    count = 0

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        super().put(obj, block, timeout)
        self.count += 1
        if self.count % 10 == 0:
            super().put(obj, block, timeout)


class TakesNumbersOutOfOrder(Sound):
    """Of two numbers in it, the later one is got first, now and then."""

    count = 0

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        self.count += 1
        first = super().get(block, timeout)
        if self.count % 10 or type(first) is not int or self.inner.empty():
            return first
        second = super().get()
        self.inner.put(first)
        return second


class TearsLargeMessages(Sound):
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        got = super().get(block, timeout)
        return got[:65_536] if isinstance(got, bytes) else got


class TurnsTuplesIntoLists(Sound):
    """As a queue of JSON texts would."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        got = super().get(block, timeout)
        return list(got) if isinstance(got, tuple) else got


class FlattensArrays(Sound):
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        got = super().get(block, timeout)
        return got.ravel() if type(got).__module__ == "numpy" else got


class SerializesLater(Sound):
    """As `multiprocessing`'s: by a thread, and what cannot be serialized is lost."""

    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        with contextlib.suppress(interlock.SerializationError):
            super().put(obj, block, timeout)


class GivesUpAtOnce(Sound):
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return super().get(block, None if timeout is None else 0.0)


class GivesUpLate(Sound):
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        return super().get(block, None if timeout is None else timeout + 2.5)


class AnswersNone(Sound):
    """Where it should raise queue.Empty."""

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        try:
            return super().get(block, timeout)
        except standard.Empty:
            return None


class HasNoBound(Sound):
    def __init__(self, maxsize: int = 0, **options: Any) -> None:
        super().__init__(**options)


class CountsOneMore(Sound):
    def qsize(self) -> int:
        return int(self.inner.qsize()) + 1


class StaysOpen(Sound):
    def close(self) -> None:
        """Does nothing."""


class TakesMoreAfterShutdown(Sound):
    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        with contextlib.suppress(interlock.ShutDown):
            super().put(obj, block, timeout)


class KillsItsReaders(Sound):
    """A child that waits in get() ends without a word."""

    owner = 0

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.owner = os.getpid()

    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        got = super().get(block, timeout)
        if os.getpid() != self.owner and threading.current_thread() is threading.main_thread():
            os._exit(7)
        return got


class ForgetsWhatFailed(Sound):
    """An exception within a lease acknowledges it all the same."""

    @contextlib.contextmanager
    def lease(self, timeout: float | None = None) -> Any:
        delivery = self.inner.lease(timeout).__enter__()
        try:
            yield delivery
        finally:
            delivery.acknowledge()


class HasNoDeadLetters(Sound):
    """What failed too often is thrown away."""

    @property
    def dead_letters(self) -> Any:
        return interlock.Queue()


class PutsManyBackwards(Sound):
    def put_many(self, objs: Any, block: bool = True, timeout: float | None = None) -> None:
        self.inner.put_many(reversed(list(objs)), block, timeout)


class Hangs(Sound):
    def get(self, block: bool = True, timeout: float | None = None) -> Any:
        threading.Event().wait()


class CountsNoTasks(Sound):
    """A queue with tasks whose task_done() may be called for ever."""

    def __init__(self, **options: Any) -> None:
        self.inner = interlock.JoinableQueue(**options)

    def task_done(self) -> None:
        with contextlib.suppress(ValueError):
            self.inner.task_done()


class JoinsNothing(CountsNoTasks):
    def join(self) -> None:
        """Returns at once."""

    def task_done(self) -> None:
        self.inner.task_done()


# What is broken; the contract that tells, the part it is of; what else the message must say.
BROKEN: tuple[tuple[Callable[..., Any], str, str, str], ...] = (
    (DeliversEveryTenthTwice, "what_is_got_is_what_was_put", "", "arrived as"),
    (TurnsTuplesIntoLists, "what_is_got_is_what_was_put", "", r"\(\) arrived as \[\]"),
    (TakesNumbersOutOfOrder, "first_in_is_first_out", "", r"They came as \.\.\., 298, 299, 9, "),
    (KillsItsReaders, "many_users_get_each_message_once", "", "the process ended with 7"),
    (TearsLargeMessages, "large_messages_are_whole", "", "of 70000 bytes arrived as 65536 bytes"),
    (FlattensArrays, "arrays_arrive_equal", "arrays", r"shape \(200, 300\).* shape \(60000,\)"),
    (SerializesLater, "what_cannot_travel_fails_at_put", "at_put", "raised nothing for a lambda"),
    (GivesUpAtOnce, "get_gives_up_in_time", "timeouts", r"gave up after 0\.\d+ s of 0\.05 s"),
    (GivesUpLate, "get_gives_up_in_time", "timeouts", r"took \d+\.\d+ s instead of 0 s"),
    (AnswersNone, "get_gives_up_in_time", "timeouts", "did not raise Empty"),
    (HasNoBound, "put_gives_up_in_time", "timeouts maxsize", "did not raise Full"),
    (CountsOneMore, "sizes_are_exact", "timeouts maxsize sizes", r"is \(1, True, False\)"),
    (StaysOpen, "a_closed_queue_refuses", "", r"put\(\) after close\(\) did not raise ValueError"),
    (TakesMoreAfterShutdown, "shutdown_leaves_what_is_there", "shutdown", "did not raise ShutDown"),
    (PutsManyBackwards, "batches_keep_the_order", "many", "The first four differ"),
    (ForgetsWhatFailed, "a_lease_that_fails_gives_back", "lease", "Attempt 2 was"),
    (HasNoDeadLetters, "what_fails_too_often_is_a_dead_letter", "lease dead_letters", "0 dead "),
    (CountsNoTasks, "no_more_work_is_done_than_there_was", "tasks", "did not raise ValueError"),
    (JoinsNothing, "join_waits_until_all_work_is_done", "tasks", "ended instead of waiting"),
)
# Those on which somebody waits for ever: the suite's own bound must end it.
STUCK: tuple[tuple[Callable[..., Any], str], ...] = (
    (LosesEveryTenth, "got = queue.get()"),
    (Hangs, "threading.Event().wait()"),
)
