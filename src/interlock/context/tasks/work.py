"""What runs in a process of the cluster: the tasks of one batch, one after the other."""

from __future__ import annotations

import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import interlock.pool.worker as house
from interlock.pool.faults import ResultNotSent, TaskTimeout
from interlock.pool.messages import CALL, MAP
from interlock.serialize.exceptions import pack_exception

__all__ = ["KEPT", "RAISED", "UNFIT", "VALUE", "Again", "Order", "Report", "run"]

VALUE, RAISED, UNFIT, KEPT = "value", "raised", "unfit", "kept"
GRACE_S = 1.0  # for a task to end by an exception, once its time is over
FUNCTIONS_MAX = 256  # that a process keeps
REPR_MAX = 200  # characters of a result in an error


class Again(Exception):
    """A task is to be tried again; the error that it ends with if it is not is inside, packed."""

    def __init__(self, packed: bytes) -> None:
        super().__init__("the task is to be tried again")
        self.packed = packed

    def __reduce__(self) -> tuple[type[Again], tuple[bytes]]:
        return Again, (self.packed,)


class Order(NamedTuple):
    """What a batch is, beside its function and its items.

    Attributes:
        pool: Whose it is.
        function: By which number a process knows its function.
        name: The function in words.
        kind: How it is called: CALL, MAP or STARMAP.
        prepared: What a process that did it once need not do again: the initializer.
        timeout_s: How long a task may take; None for any time.
        retry_on: What a task may raise to be tried again.
        retries: How often.
        keeps: Whether the value is left where it is.
    """

    pool: str
    function: int
    name: str
    kind: int
    prepared: str
    timeout_s: float | None
    retry_on: tuple[type[BaseException], ...]
    retries: int
    keeps: bool


class Report(NamedTuple):
    """What became of a batch.

    Attributes:
        outcomes: For each task (VALUE, packed value), (RAISED, packed exception), (KEPT, value)
            or (UNFIT, packed exception) of the initializer.
        seconds: How long they took.
        pid: Of the process.
    """

    outcomes: list[tuple[str, Any]]
    seconds: float
    pid: int


# Of this process, which pools share: functions by pool and number, and what the initializers that
# it has run have returned.
_functions: dict[tuple[str, int], Callable[..., Any]] = {}
_states: dict[str, Any] = {}


def run(
    order: Order,
    bundle: Any,
    items: Any,
    pack: Callable[[Any], Any],
    unpack: Callable[[Any], Any],
) -> Report:
    """Run a batch.

    Args:
        order: What it is.
        bundle: Initializer, its arguments and function, packed together: functions of
            ``__main__`` that travel together see the same globals.
        items: The calls' arguments, packed.
        pack: Makes of a value what travels.
        unpack: The reverse.

    Raises:
        Again: A task failed, and is to be tried again.

    If a process dies: this one: the cluster says so where the batch was given.
    """
    began = time.perf_counter()
    try:
        function = _function(order, bundle, unpack)
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        return Report([(UNFIT, pack_exception(error))], 0.0, os.getpid())
    outcomes = []
    for item in unpack(items):
        outcomes.append(_outcome(order, function, item, pack))
    return Report(outcomes, time.perf_counter() - began, os.getpid())


def _function(order: Order, bundle: Any, unpack: Callable[[Any], Any]) -> Callable[..., Any]:
    key = order.pool, order.function
    found = _functions.get(key)
    if found is None:
        initializer, initargs, found = unpack(bundle)
        if initializer is not None and order.prepared not in _states:
            _states[order.prepared] = initializer(*initargs)
        while len(_functions) >= FUNCTIONS_MAX:
            _functions.pop(next(iter(_functions)))
        _functions[key] = found
    house._state = _states.get(order.prepared)
    return found


def _outcome(
    order: Order, function: Callable[..., Any], item: Any, pack: Callable[[Any], Any]
) -> tuple[str, Any]:
    try:
        with _bounded(order):
            if order.kind == CALL:
                args, kwargs = item
                value = function(*args, **kwargs)
            else:
                value = function(item) if order.kind == MAP else function(*item)
    except KeyboardInterrupt:  # by the cluster, as the task was cancelled
        raise
    except BaseException as error:
        packed = pack_exception(error)
        if order.retries and isinstance(error, (TaskTimeout, *order.retry_on)):
            raise Again(packed) from None
        return RAISED, packed
    if order.keeps:
        return KEPT, value
    try:
        return VALUE, pack(value)
    except Exception as error:
        return RAISED, pack_exception(ResultNotSent(str(error), repr(value)[:REPR_MAX]))


@contextmanager
def _bounded(order: Order) -> Iterator[None]:
    """End the block by TaskTimeout when its time is over; the process, if it takes no notice."""
    limit_s = order.timeout_s
    if limit_s is None:
        yield
        return
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("a timeout needs a task that runs in its process's main thread")

    def over(number: int, frame: Any) -> None:
        raise TaskTimeout(
            f"Task `{order.name}` took longer than its timeout of {limit_s:g} s, and was ended.",
            os.getpid(),
            order.name,
        )

    before = signal.signal(signal.SIGALRM, over)
    signal.setitimer(signal.ITIMER_REAL, limit_s)
    # Code in C that never looks for signals: this thread needs neither it nor the GIL.
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        faulthandler.cancel_dump_traceback_later()
        signal.signal(signal.SIGALRM, before)
