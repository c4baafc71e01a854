"""What threads share stays whole when they are stopped, and nothing is lost (P2)."""

from __future__ import annotations

import random
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.context.threads.stopping import Ended, Work, raise_owed, shielded

LONG_S = 20.0
STOPS = 60
context: Any = interlock.get_context("thread")


@pytest.fixture(autouse=True)
def often() -> Iterator[None]:
    """Threads take turns all the time."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


def stopped_again_and_again(target: Any, is_over: Any, seed: int) -> int:
    """Run it in a process after the other, each stopped at some moment; how many it took."""
    print(f"seed {seed}")
    chance, stops = random.Random(seed), 0
    ends = time.monotonic() + LONG_S
    while not is_over():
        assert time.monotonic() < ends, f"not over after {stops} stops, seed {seed}"
        process = context.Process(target=target)
        process.start()
        if stops < STOPS:
            process.join(chance.random() * 0.002)
            process.kill()
        process.join(LONG_S)
        assert not process.is_alive()
        stops += 1
    return stops


def test_no_message_is_lost_when_its_consumers_are_stopped() -> None:
    """P2: each is done at least once; none is anybody's at the end."""
    queue, done = context.JoinableQueue(), []
    queue.put_many(range(3000))
    queue.shutdown()

    def consume() -> None:
        try:
            while True:
                with queue.lease() as delivery:
                    done.append(delivery.message)
        except interlock.ShutDown:
            return

    stopped_again_and_again(consume, lambda: queue.statistics().ready == 0, seed=1)
    assert {*done} == {*range(3000)}
    statistics = queue.statistics()
    assert (statistics.leased, statistics.dead) == (0, 0)
    queue.join()


def test_a_stopped_put_is_there_or_is_not() -> None:
    """P2: in order, none twice; others go on."""
    queue = context.Queue(maxsize=3)
    numbers = iter(range(3000))
    got: list[int] = []
    is_done = threading.Event()

    def produce() -> None:
        for number in numbers:
            queue.put(number)
        is_done.set()

    taker = threading.Thread(target=lambda: [got.append(m) for m in queue])  # type: ignore[func-returns-value]
    taker.start()
    stopped_again_and_again(produce, is_done.is_set, seed=2)
    queue.shutdown()
    taker.join(LONG_S)
    assert got == sorted({*got})
    assert len(got) >= 3000 - STOPS


def test_a_shared_dict_stays_whole() -> None:
    """P2: each change was made or was not."""
    shared = context.SharedDict({"count": 0})
    made: list[int] = []

    def count() -> None:
        for _ in range(200):
            made.append(shared.update_with("count", lambda n: n + 1))

    stopped_again_and_again(count, lambda: len(made) > 2000, seed=3)
    assert made == sorted({*made})
    assert len(made) <= shared["count"] <= len(made) + STOPS


def test_a_shield_holds_a_stop_back_until_its_end() -> None:
    """S3: within it nothing is raised; at its end, or where it is asked for, it is."""
    begun, go = threading.Event(), threading.Event()
    steps: list[str] = []

    def work() -> None:
        with shielded():
            begun.set()
            go.wait(LONG_S)
            with shielded():
                steps.append("inner")
            steps.append("outer")
        steps.append("after")

    ended, thing = run_in_thread(work)
    begun.wait(LONG_S)
    assert thing.stop("now")
    go.set()
    assert ended() == (Ended, None)
    assert steps == ["inner", "outer"]


def test_what_is_owed_is_raised_where_it_is_asked_for() -> None:
    """S3: once."""
    begun, go = threading.Event(), threading.Event()

    def work() -> str:
        with shielded():
            begun.set()
            go.wait(LONG_S)
            try:
                raise_owed()
            except Ended:
                raise_owed()
                return "once"
        return "never"

    ended, thing = run_in_thread(work)
    begun.wait(LONG_S)
    thing.stop("now")
    go.set()
    assert ended() == (None, "once")
    assert not thing.stop("too late")


def run_in_thread(function: Any) -> tuple[Any, Work]:
    work = Work()
    outcome: list[Any] = []

    def run() -> None:
        try:
            outcome.append((None, work.run(function)))
        except BaseException as error:
            outcome.append((type(error), None))

    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def ended() -> Any:
        thread.join(LONG_S)
        return outcome[0]

    return ended, work
