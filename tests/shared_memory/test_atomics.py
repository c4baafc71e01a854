"""AtomicInt, AtomicFloat, AtomicFlag: no change is lost, and who waits for one is woken."""

from __future__ import annotations

import math
import os
import signal
import threading
import time
from typing import Any

import anyio
import pytest

import interlock
from interlock import AtomicFlag, AtomicFloat, AtomicInt
from interlock._native import SharedAtomic
from interlock.context import BaseContext
from interlock.testing.trial import Trial

KINDS = [(AtomicInt, 0, 7), (AtomicFloat, 0.0, 2.5), (AtomicFlag, False, True)]
kinds = pytest.mark.parametrize(("kind", "zero", "other"), KINDS)


@kinds
def test_it_has_the_value_it_was_given(kind: Any, zero: Any, other: Any) -> None:
    """load, store, exchange and compare_exchange, and the type of what they return."""
    atomic = kind()
    assert atomic.load() == zero and type(atomic.load()) is type(zero)
    assert kind(other).load() == other
    atomic.store(other)
    assert atomic.load() == other
    assert atomic.exchange(zero) == other
    assert not atomic.compare_exchange(other, other) and atomic.load() == zero
    assert atomic.compare_exchange(expected=zero, value=other) and atomic.load() == other
    assert repr(atomic) == f"{kind.__name__}({other!r})"


def test_numbers_are_added() -> None:
    """add returns what it is then; beyond the largest comes the smallest."""
    number = AtomicInt(5)
    assert (number.add(), number.add(10), number.add(-20)) == (6, 16, -4)
    number.store(2**63 - 1)
    assert number.add(1) == -(2**63)
    assert range(10)[AtomicInt(3)] == 3
    fraction = AtomicFloat(0.25)
    assert fraction.add(0.5) == 0.75 and float(fraction) == 0.75
    fraction.store(math.inf)
    assert fraction.add(-math.inf) != fraction.load()  # not a number


def test_a_flag_is_set_by_one() -> None:
    """test_and_set, clear, and as a truth."""
    flag = AtomicFlag()
    assert not flag and not flag.test_and_set() and flag.test_and_set() and flag
    flag.clear()
    assert not flag


def test_what_does_not_fit_is_refused() -> None:
    """At the call, and nothing is changed."""
    number = AtomicInt(5)
    calls: list[Any] = [number.store, number.add, number.exchange, AtomicInt]
    for call in calls:
        with pytest.raises(OverflowError):
            call(2**63)
        with pytest.raises(TypeError):
            call("5")
    with pytest.raises(TypeError):
        AtomicFloat("x")  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        number.compare_exchange(5)  # type: ignore[call-arg]
    assert number.load() == 5


def add(number: AtomicInt, fraction: AtomicFloat, times: int) -> None:
    for _ in range(times):
        number.add(2)
        fraction.add(0.5)


def test_no_addition_is_lost(trial: Trial) -> None:
    """Of three processes and two threads."""
    number, fraction = AtomicInt(), AtomicFloat()
    children = [trial.child(add, number, fraction, 5_000) for _ in range(3)]
    threads = [trial.thread(add, number, fraction, 5_000) for _ in range(2)]
    for child in children:
        child.result()
    for thread in threads:
        thread.result()
    assert number.load() == 50_000
    assert fraction.load() == 12_500.0


def play(ball: AtomicInt, mine: int, rounds: int) -> None:
    for _ in range(rounds):
        assert ball.wait(1 - mine, 10.0)
        ball.store(1 - mine)


def test_who_waits_is_woken_by_another_process(trial: Trial) -> None:
    """A ball goes to and fro."""
    ball = AtomicInt()
    child = trial.child(play, ball, 1, 500)
    play(ball, 0, 500)
    child.result()
    assert ball.load() == 0


@kinds
def test_a_timeout_is_kept(kind: Any, zero: Any, other: Any) -> None:
    """And a value that it has not got is not waited for."""
    atomic = kind()
    begun = time.monotonic()
    assert not atomic.wait(zero, 0.05)
    assert 0.05 <= time.monotonic() - begun < 1.0
    assert not atomic.wait(zero, timeout=0)
    assert atomic.wait(other)


def change_and_die(atomic: Any, other: Any) -> None:
    atomic.store(other)
    signal.raise_signal(signal.SIGKILL)


@kinds
def test_a_dead_changer_has_changed_it(trial: Trial, kind: Any, zero: Any, other: Any) -> None:
    """Whoever waits sees it."""
    atomic = kind()
    trial.doomed(change_and_die, atomic, other)
    assert atomic.wait(zero, 10.0)
    assert atomic.load() == other


@kinds
def test_it_goes_through_a_queue_and_comes_back(
    context: BaseContext, kind: Any, zero: Any, other: Any
) -> None:
    """As the one it was."""
    atomic = kind()
    queue = context.Queue()
    queue.put(atomic)
    back = queue.get()
    assert back is atomic
    back.store(other)
    assert atomic.load() == other


def test_one_kind_is_not_taken_for_another() -> None:
    """A lock's descriptor is no atomic's, and the other way round."""
    lock = interlock.Lock()
    with pytest.raises(ValueError, match="no atomic"):
        SharedAtomic(os.dup(lock._descriptor()))


@pytest.mark.anyio
async def test_it_is_awaited() -> None:
    """By tasks, while a thread changes it; and a timeout is kept."""
    number = AtomicInt()
    assert not await number.aio.wait(0, 0.02)
    thread = threading.Timer(0.05, number.add)
    thread.start()
    with anyio.fail_after(10):
        assert await number.aio.wait(0)
    assert number.load() == 1
    assert await number.aio.wait(0, 0)
    thread.join()
