"""The loop inside a worker: take a batch, run its tasks, send each result at once.

What a death leaves, step by step (`status.py` has the words):

    1 take a batch      -> BEGUN is older: all of it goes to other workers
    2 BEGUN with READING -> a batch of several goes again, one task a message; one alone is guilty
    3 BEGUN             -> this task has died with the worker, those behind it go to others
    4 send the result   -> the task is done: the pool reads results before it looks at BEGUN

It imports little: a worker begins quickly.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from interlock.pool import cgroup, limits, outlets, takeback
from interlock.pool.messages import (
    CALL,
    CANCELLED,
    DEFINE,
    ENTER,
    FAILED,
    FORGET,
    GATHERED,
    LOG,
    MAP,
    NOT_SENT,
    PLAIN,
    READY,
    SKIPPED,
    STOP,
    TIMED,
    UNFIT,
    UNKNOWN,
    UNREAD,
    UNREADABLE,
    encoded,
)  # fmt: skip
from interlock.pool.status import BEGUN, FROM, INIT, READING, RUNNING, SINCE, TO, Status
from interlock.pool.watch import Ended, Watch
from interlock.process.lifeline import Lifeline
from interlock.serialize.encoding import dumps, loads
from interlock.serialize.exceptions import pack_exception
from interlock.serialize.functions import Unknown, pack_function, unpack_function

__all__ = ["Start", "serve", "worker_state", "worker_state_is"]

TAKEN_MAX = 64  # messages at once
_log = logging.getLogger("concurrent.futures")  # where its executors say the same
REPR_MAX = 200  # characters of a result in an error


class Start:
    """What a worker is started with.

    Args:
        number: The worker's, in the pool.
        tasks: Its queue.
        results: The pool's queue.
        status: Its page.
        line: Kills it when the pool's process is gone.
        initializer: Called first, with initargs; its value is the worker's state.
        initargs: Its arguments.
        memory_limit: In bytes; None for no limit.
        group: The folder of its cgroup, if it has one from the start.
        threads: For BLAS and OpenMP; None to leave them alone.
        siblings: How many workers the pool has.
        turns: Who writes on standard output.
        levels: Of the pool's process's loggers.
    """

    def __init__(
        self,
        number: int,
        tasks: Any,
        results: Any,
        status: Status,
        line: Lifeline,
        initializer: Callable[..., object] | None,
        initargs: Iterable[Any],
        memory_limit: int | None,
        group: Path | None,
        threads: int | None,
        siblings: int,
        turns: outlets.Turns,
        levels: dict[str, int],
    ) -> None:
        self.number = number
        self.tasks = tasks
        self.results = results
        self.status = status
        self.line = line
        self.initializer = initializer
        self.initargs = tuple(initargs)
        self.memory_limit = memory_limit
        self.group = group
        self.threads = threads
        self.siblings = siblings
        self.turns = turns
        self.levels = levels

    def __getstate__(self) -> dict[str, Any]:
        """A lambda or a function of a notebook goes by value."""
        state = self.__dict__.copy()
        function = state["initializer"]
        if function is not None and getattr(function, "__name__", "") == "<lambda>":
            state["initializer"] = _Packed(function)
        return state


class _Packed:
    def __init__(self, function: Callable[..., object]) -> None:
        self._function = function

    def __reduce__(self) -> tuple[Any, ...]:
        return unpack_function, (pack_function(self._function),)


_state: Any = None
_of_thread = threading.local()


def worker_state() -> Any:
    """What the initializer of this worker returned; None outside of a worker."""
    return getattr(_of_thread, "state", _state)


def worker_state_is(state: Any) -> None:
    """In a worker that is a thread: what its initializer returned."""
    _of_thread.state = state


def serve(start: Start) -> None:
    """Work until told to stop.

    If a process dies: the pool's kills this one, whatever it does.
    """
    start.line.follow()
    if start.group is not None:
        cgroup.enter(start.group)
    watch = Watch(start.status, __file__)
    os.environ[limits.SIBLINGS] = str(
        int(os.environ.get(limits.SIBLINGS, "1")) * max(1, start.siblings)
    )
    if start.threads is not None:
        limits.limit_threads(start.threads)
    if start.memory_limit is not None:
        limits.limit_memory(start.memory_limit)
    outlets.whole_lines(start.turns)
    put, number = start.results.put, start.number
    outlets.forward_records(lambda record: put((0, LOG, record, number)), start.levels)
    if not _initialized(start):
        return
    takeback.register()
    start.results.put((0, READY, b"", start.number))
    watch.start()
    loop = _Loop(start)
    while loop.go_on():
        pass


def _initialized(start: Start) -> bool:
    global _state
    if start.initializer is None:
        return True
    start.status.words[INIT] = 1
    try:
        _state = start.initializer(*start.initargs)
    except BaseException as error:
        _log.critical("Exception in initializer:", exc_info=True)
        start.results.put((0, UNFIT, pack_exception(error), start.number))
        return False
    return True


class _Loop:
    def __init__(self, start: Start) -> None:
        self._number = start.number
        self._tasks = start.tasks
        self._put = start.results.put
        self._words = start.status.words
        self._functions: dict[int, Any] = {}

    def go_on(self) -> bool:
        """Do what came; False when there is an end to it."""
        for message in self._tasks.get_many(TAKEN_MAX):
            kind = message[0]
            if kind < DEFINE:
                self._batch(*message)
            elif kind == DEFINE:
                self._define(message[1], message[2])
            elif kind == FORGET:
                self._functions.pop(message[1], None)
            elif kind == ENTER:
                cgroup.enter(message[1])
            elif kind == STOP:
                return False
        outlets.flush()
        return True

    def _define(self, number: int, data: bytes) -> None:
        try:
            self._functions[number] = unpack_function(data)
        except BaseException as error:  # of a module's own code: each task will tell
            self._functions[number] = error

    def _batch(
        self, kind: int, number: int, ticket: int, data: bytes, buffers: Any, how: int
    ) -> None:
        words = self._words
        timed = how == TIMED
        if timed:
            words[SINCE] = time.monotonic_ns()
        words[BEGUN] = READING | ticket
        if words[FROM] <= ticket < words[TO]:
            self._put((ticket, UNREAD, b"", self._number))
            return
        try:
            items = loads(data, trust="process", buffers=buffers, writable=True)
        except BaseException as error:
            self._put((ticket, UNREADABLE, pack_exception(error), self._number))
            words[SINCE] = 0
            return
        function = self._functions[number]
        if isinstance(function, BaseException):
            answer = UNKNOWN if isinstance(function, Unknown) else UNREADABLE
            self._put((ticket, answer, pack_exception(function), self._number))
            words[SINCE] = 0
            return
        call = self._call
        if how == GATHERED:
            self._gathered(ticket, function, items)
        elif kind == CALL:
            args, kwargs = items
            call(ticket, timed, function, args, kwargs)
        elif kind == MAP:
            put = self._put
            for item in items:
                words[BEGUN] = ticket
                if timed or words[FROM] <= ticket < words[TO]:
                    call(ticket, timed, function, (item,), {})
                else:
                    words[RUNNING] = ticket
                    try:
                        value = function(item)
                        words[RUNNING] = 0
                    except BaseException as error:
                        self._failed(ticket, error)
                    else:
                        if type(value) in PLAIN:
                            put((ticket, value))
                        else:
                            self._send(ticket, value)
                        del value
                ticket += 1
        else:
            for item in items:
                call(ticket, timed, function, item, {})
                ticket += 1

    def _gathered(self, ticket: int, function: Any, items: Any) -> None:
        """Tasks of a few microseconds, for which a message each would take longer than they.

        What dies with the worker before it was sent runs once more.
        """
        words = self._words
        values: list[Any] = []
        for item in items:
            words[BEGUN] = ticket
            if words[FROM] <= ticket < words[TO]:
                self._send_many(ticket, values)
                self._call(ticket, False, function, (item,), {})
            else:
                words[RUNNING] = ticket
                try:
                    value = function(item)
                    words[RUNNING] = 0
                    values.append(value)
                except BaseException as error:
                    self._send_many(ticket, values)
                    self._failed(ticket, error)
            ticket += 1
        self._send_many(ticket, values)

    def _send_many(self, end: int, values: list[Any]) -> None:
        if not values:
            return
        first = end - len(values)
        try:
            data, buffers, _ = encoded(values)
            self._put((first, data, buffers, len(values), None))
        except Exception:  # one of them cannot be sent, or all are too large for a message
            for place, value in enumerate(values):
                self._send(first + place, value)
        values.clear()

    def _call(self, ticket: int, timed: bool, function: Any, args: Any, kwargs: Any) -> None:
        words = self._words
        if timed:
            words[SINCE] = time.monotonic_ns()
        words[BEGUN] = ticket
        if words[FROM] <= ticket < words[TO]:
            self._put((ticket, SKIPPED, b"", self._number))
            return
        words[RUNNING] = ticket
        try:
            value = function(*args, **kwargs)
            words[RUNNING] = 0
        except BaseException as error:
            self._failed(ticket, error)
        else:
            self._send(ticket, value)
        if timed:
            words[SINCE] = 0

    def _failed(self, ticket: int, error: BaseException) -> None:
        try:
            self._words[RUNNING] = 0
            if isinstance(error, Ended):
                self._put((ticket, CANCELLED, b"", self._number))
                return
        except Ended:  # it came when the task had just failed by itself
            self._put((ticket, CANCELLED, b"", self._number))
            return
        self._put((ticket, FAILED, pack_exception(_without_ours(error)), self._number))

    def _send(self, ticket: int, value: Any) -> None:
        if type(value) in PLAIN:
            with suppress(ValueError, OverflowError):  # larger than a message may be
                self._put((ticket, value))
                return
        try:
            data, buffers, _ = encoded(value)
            self._put((ticket, data, buffers))
        except BaseException as error:
            told = dumps([_repr(error), _repr(value), pack_exception(_without_ours(error))])
            self._put((ticket, NOT_SENT, told, self._number))


def _without_ours(error: BaseException) -> BaseException:
    """The traceback begins in the task's function."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace)


def _repr(value: object) -> str:
    try:
        return repr(value)[:REPR_MAX]
    except Exception:  # a __repr__ of its own
        return f"a {type(value).__name__}"
