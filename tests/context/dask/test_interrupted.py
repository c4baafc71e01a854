"""A call that an exception from outside ends at any of its steps: Ctrl-C, the end of a process.

Decision 0026: it leaves nothing taken; and what was on its way back comes back.
"""

from __future__ import annotations

import asyncio
import itertools
import sys
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any
from unittest import mock

import anyio
import pytest

from interlock.context.dask import DaskContext
from interlock.context.dask.called import Called
from interlock.context.dask.link import Link

BOUND_S = 20.0
_TRACED = ("interlock/context/dask", "interlock/context/far", "asyncio/base_events")


class Stop(BaseException):
    """Comes from outside."""


def interrupted(call: Callable[[], object], step: int) -> bool:
    """Call it, with `Stop` at that step of what happens in this thread; whether it came so far."""
    steps = itertools.count(1)

    def trace(frame: FrameType, event: str, _: object) -> Any:
        if not any(name in frame.f_code.co_filename for name in _TRACED):
            return None
        # Not at a "call": raised there while other threads want the GIL, CPython 3.11.7 was seen to
        # go round in the first instruction of the function for ever.
        if event == "line" and next(steps) == step:
            sys.settrace(None)
            raise Stop
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    except Stop:
        return True
    finally:
        sys.settrace(before)
    return False


def until(holds: Callable[[], object], what: str) -> None:
    ends = time.monotonic() + BOUND_S
    while not holds():
        assert time.monotonic() < ends, what


def test_an_acquire(local: DaskContext) -> None:
    """P3: the lock is free, whatever of the call the desk had got and answered."""
    lock = local.Lock()
    for step in itertools.count(1):
        if not interrupted(lock.acquire, step):
            break
        until(lambda: not lock.locked(), f"it is held after step {step}")
    assert step > 50
    assert lock.locked()


def test_a_get(local: DaskContext) -> None:
    """P2: the message is in the queue; so it is when a lease begins."""
    queue = local.Queue()
    queue.put("message")

    def lease() -> None:
        queue.lease(BOUND_S).__enter__()

    for call in (queue.get, lease):
        for step in itertools.count(1):
            if not interrupted(call, step):
                break
            assert queue.get(timeout=BOUND_S) == "message", f"it is lost after step {step}"
            queue.put("message")
        assert step > 50
        queue.put("message")


def give_back(local: DaskContext, case: str) -> tuple[Callable[[], object], Callable[[], bool]]:
    """What gives back, and whether it is back."""
    if case == "lease":
        queue = local.Queue()
        queue.put("message")
        delivery = queue.lease(BOUND_S).__enter__()
        return delivery.acknowledge, lambda: not queue.statistics().leased
    lock = local.Lock()
    lock.acquire()
    return lock.release, lambda: not lock.locked()


@pytest.mark.parametrize("case", ["lease", "lock"])
@pytest.mark.parametrize("step", ["begin", "begun", "wait"])
def test_what_is_on_its_way_back_comes_back(local: DaskContext, case: str, step: str) -> None:
    """P2, P3: a release is not given up; it is done once."""
    release, is_back = give_back(local, case)

    def stopped(called: Called[Any], *arguments: Any) -> None:
        patch.stop()
        if step == "begun":
            called.begin()
        raise Stop

    patch = mock.patch.object(Called, "wait" if step == "wait" else "begin", stopped)
    patch.start()
    with pytest.raises(Stop):
        release()
    until(is_back, "it is not back")


def test_what_is_begun_and_not_waited_for(
    local: DaskContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """P3: as the giving up of a call, or the end of a process: it goes on in the event loop."""
    began, goes_on = threading.Event(), threading.Event()

    async def beginning() -> None:
        began.set()
        await asyncio.sleep(0)
        goes_on.set()

    real = asyncio.run_coroutine_threadsafe

    def stopped(*arguments: Any) -> None:
        real(*arguments)
        assert began.wait(BOUND_S)
        raise Stop

    monkeypatch.setattr(asyncio, "run_coroutine_threadsafe", stopped)
    with pytest.raises(Stop):
        local._link.begin(beginning())
    assert goes_on.wait(BOUND_S)


def test_a_release_that_is_cancelled(local: DaskContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """P3, P10: it is done before the cancellation is."""
    lock = local.Lock()
    real = Link.asked

    async def slowly(*arguments: Any) -> Any:
        await asyncio.sleep(0.1)
        return await real(*arguments)

    monkeypatch.setattr(Link, "asked", slowly)

    async def use() -> None:
        await lock.aio.acquire()
        with anyio.CancelScope() as scope:
            scope.cancel()
            lock.aio.release()

    for backend in ("asyncio", "trio"):
        anyio.run(use, backend=backend)
        assert not lock.locked()


def test_what_is_begun_again_runs_once() -> None:
    """P3: a release that was begun, or not, is begun for certain; what was cancelled never runs."""
    calls = []

    async def call() -> int:
        calls.append(1)
        return len(calls)

    async def use() -> None:
        loop = asyncio.get_running_loop()
        called, dropped = Called(loop, call), Called(loop, call)
        called.begin()
        called.begin()
        dropped.cancel()
        dropped.begin()
        for _ in range(5):
            await asyncio.sleep(0)
        assert called.wait(0) and called.value == 1

    asyncio.run(use())
    assert calls == [1]
