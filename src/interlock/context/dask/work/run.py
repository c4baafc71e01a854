"""A task of ours as a worker of Dask runs it: some calls of one function.

Dask has `run` with a `Calls` and, as further arguments, the results on the cluster that the calls
refer to. What it gives back is bytes: an outcome for each call, so that one that fails fails alone,
and its exception arrives as it was raised (P6). With ``keep_remote`` it is the value itself, which
stays in the worker.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.context.dask.packing import unpack_call
from interlock.context.dask.work.place import Interrupted, interrupt_one, interruptible
from interlock.context.dask.work.state import Initializer, prepared
from interlock.serialize.exceptions import pack_exception
from interlock.serialize.whole import from_whole, whole_by_value

__all__ = [
    "CALL",
    "CANCELLED",
    "FAILED",
    "MAP",
    "NOT_SENT",
    "STARMAP",
    "TIMED_OUT",
    "VALUE",
    "Again",
    "Calls",
    "Cancelled",
    "KeptFailed",
    "run",
    "run_kept",
]

CALL, MAP, STARMAP = "call", "map", "starmap"
VALUE, FAILED, NOT_SENT, TIMED_OUT, CANCELLED, UNFIT = "vfntcu"
FUNCTIONS_MAX = 64  # that a worker keeps, of all pools
REPR_MAX = 200


class Cancelled(Interrupted):
    """Nobody wants the task any more."""


class _TimedOut(Interrupted):
    """The task has taken too long."""


class Again(Exception):
    """A call failed in a way after which it is to be tried again; Dask counts how often.

    Attributes:
        outcomes: As `run` would have given them.
    """

    def __init__(self, outcomes: bytes) -> None:
        super().__init__(outcomes)
        self.outcomes = outcomes


class KeptFailed(Exception):
    """A call whose value was to stay failed.

    Dask would send the exception in its own way: without its causes, as another class if it has
    arguments of its own, and not at all if its traceback is deep, so that nobody hears of it.

    Attributes:
        text: What it was.
        packed: By `pack_exception`.
    """

    def __init__(self, text: str, packed: bytes) -> None:
        super().__init__(text, packed)
        self.text, self.packed = text, packed

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Calls:
    """What a task is to do.

    Attributes:
        key: The task's.
        function: By value.
        kind: How each item is given to it: CALL, MAP or STARMAP.
        items: Packed.
        initializer: Is to have run in the worker; None if there is none.
        timeout: Seconds for each call; None for any time.
        retry_on: Exceptions after which Dask is to try again; None if it is never to.
    """

    key: Any
    function: bytes
    kind: str
    items: bytes
    initializer: Initializer | None = None
    timeout: float | None = None
    retry_on: bytes | None = None


def run(calls: Calls, *values: Any) -> bytes:
    """The outcomes of all calls, packed.

    Raises:
        Again: One of them is to be tried again.
    """
    outcomes: list[tuple[str, Any]] = []
    try:
        with interruptible(calls.key):
            _run(calls, values, outcomes)
    except Cancelled:
        outcomes.append((CANCELLED, None))
    except Again:
        raise
    except BaseException as error:  # the initializer failed, or items cannot be unpacked here
        outcomes.append((UNFIT, pack_exception(error)))
    return whole_by_value(outcomes)


def run_kept(calls: Calls, *values: Any) -> Any:
    """The value of the only call, which stays here.

    Raises:
        KeptFailed: It raised an exception, or took too long; Dask tries again as often as it was
            told to.
    """
    try:
        return _kept(calls, values)
    except Cancelled:
        raise
    except BaseException as error:
        failed = KeptFailed(_said(error), pack_exception(_without_ours(error)))
    raise failed


def _kept(calls: Calls, values: Any) -> Any:
    with interruptible(calls.key), prepared(calls.initializer):
        function = _function(calls.function)
        (item,) = unpack_call(calls.items, values)
        try:
            with _timed(calls):
                return _called(function, calls.kind, item)
        except _TimedOut:
            raise TimeoutError(
                f"A task took longer than its timeout of {calls.timeout} s."
            ) from None


def _run(calls: Calls, values: Any, outcomes: list[tuple[str, Any]]) -> None:
    with prepared(calls.initializer):
        function = _function(calls.function)
        items = unpack_call(calls.items, values)
        retry_on = None if calls.retry_on is None else from_whole(calls.retry_on)
        for item in items:
            outcome, error = _outcome(calls, function, item)
            outcomes.append(outcome)
            if retry_on is not None and isinstance(error, (*retry_on, _TimedOut)):
                raise Again(whole_by_value(outcomes))


def _outcome(
    calls: Calls, function: Callable[..., Any], item: Any
) -> tuple[tuple[str, Any], BaseException | None]:
    """What became of a call, and the exception if there is one."""
    try:
        with _timed(calls):
            value = _called(function, calls.kind, item)
    except Cancelled:
        raise
    except _TimedOut as error:
        return (TIMED_OUT, None), error
    except BaseException as error:
        return (FAILED, pack_exception(_without_ours(error))), error
    try:
        return (VALUE, whole_by_value(value)), None
    except Exception as error:
        return (NOT_SENT, (_said(error), _said(value))), None


def _called(function: Callable[..., Any], kind: str, item: Any) -> Any:
    if kind == MAP:
        return function(item)
    if kind == STARMAP:
        return function(*item)
    args, kwargs = item
    return function(*args, **kwargs)


class _timed:
    """Interrupts the thread when the time of a call is over."""

    def __init__(self, calls: Calls) -> None:
        self._timer: threading.Timer | None = None
        if calls.timeout is not None:
            self._timer = threading.Timer(calls.timeout, interrupt_one, (calls.key, _TimedOut))
            self._timer.daemon = True

    def __enter__(self) -> None:
        if self._timer is not None:
            self._timer.start()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()


@functools.lru_cache(FUNCTIONS_MAX)
def _function(data: bytes) -> Callable[..., Any]:
    """As every process of a pool has a function once, with what it keeps between calls."""
    function: Callable[..., Any] = from_whole(data)
    return function


def _without_ours(error: BaseException) -> BaseException:
    """The traceback begins in the task's function."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    return error.with_traceback(trace)


def _said(value: object) -> str:
    try:
        return repr(value)[:REPR_MAX]
    except Exception:  # a __repr__ of its own
        return f"a {type(value).__name__}"
