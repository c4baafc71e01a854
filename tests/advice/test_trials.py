"""Trials: how many calls, what others took of the CPUs, and when one that ends badly counts."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest

import interlock
from interlock.advice import study
from interlock.advice.facts import ASYNCIO, MAIN, THREAD, Facts, Trial
from interlock.advice.measure import crowd, trials
from interlock.advice.measure.probe import Probe
from interlock.advice.measure.trials import size_of
from interlock.advice.model import Prediction, predict
from interlock.pool.limits import cpu_count
from tests.advice import kinds
from tests.advice.made_up import CALLS, HOMES, facts
from tests.advice.made_up import trial as made_up


@pytest.mark.parametrize(
    ("kind", "prediction", "bytes_out", "share_s", "calls"),
    [
        ("python", Prediction("fork", 4, 1, 400.0, "cpus", item_s=0.01), 1, 5.0, 100),
        ("python", Prediction("fork", 4, 1, 400.0, "workers", item_s=0.01), 1, 5.0, 100),
        ("python", Prediction("fork", 4, 1, 400.0, "cpus", item_s=0.01), 1, 0.1, 40),
        ("python", Prediction("fork", 4, 1, 400.0, "cpus", item_s=0.01), 64 << 20, 5.0, 4),
        ("python", Prediction("fork", 4, 1, 4.0, "cpus", item_s=1.0), 1, 0.5, 0),
        ("python", Prediction("fork", 4, 1, 400.0, "cpus", 2.0, 0.01), 1, 1.0, 0),
        ("waits", Prediction("thread", 32, 1, 3200.0, "workers", item_s=0.01), 1, 5.0, 128),
        ("tiny", Prediction("thread", 2, 1, 1e9, "gil", item_s=1e-9), 1, 5.0, 100_000),
    ],
)
def test_a_trial_has_no_more_calls_than_it_takes(
    kind: str, prediction: Prediction, bytes_out: int, share_s: float, calls: int
) -> None:
    """Nor more than there is time and memory for; few rounds do only where calls wait."""
    assert size_of(CALLS[kind], prediction, bytes_out, share_s) == calls


class Stub:
    """Workers that do nothing, and take their time for it.

    Args:
        on_cpu_s: For how long they then were on the CPU.
        without_s: And without one.
        error: What is raised.
        took_s: How long it takes.
    """

    first_s = 0.0

    def __init__(
        self, on_cpu_s: float, without_s: float, error: Exception | None, took_s: float
    ) -> None:
        self._clock, self._ran = 0.0, (on_cpu_s, without_s)
        self._error, self._took_s = error, took_s

    def perf_counter(self) -> float:
        return self._clock

    def map(
        self, function: Callable[[Any], Any], inputs: Sequence[Any], batch: int | None,
        most_s: float,
    ) -> None:  # fmt: skip
        self._clock += self._took_s
        if self._error is not None:
            raise self._error

    def scheduled(self) -> tuple[float, float]:
        runs = self._clock / self._took_s
        return runs * self._ran[0], runs * self._ran[1]

    def memory_bytes(self) -> int:
        return 7


def tried(
    monkeypatch: pytest.MonkeyPatch,
    some: Facts,
    prediction: Prediction,
    ran: tuple[float, float],
    took_s: float = 1.0,
    error: Exception | None = None,
) -> Trial:
    """A trial by workers whose clocks are made up, which took so long."""
    stub = Stub(*ran, error, took_s)

    @contextmanager
    def opened(*_: object) -> Iterator[Stub]:
        yield stub

    monkeypatch.setattr(trials, "opened", opened)
    monkeypatch.setattr(trials, "time", stub)
    done, _ = trials.trial(some, prediction, kinds.counts, [1], 5.0)
    assert done is not None
    return done


@pytest.mark.parametrize(
    ("kind", "context", "workers", "ran", "starved"),
    [
        ("python", "fork", 4, (3.0, 1.0), 0.25),
        ("python", "fork", 2, (1.0, 1.0), 0.5),
        ("python", "fork", 8, (4.0, 4.0), 0.0),
        ("python", "fork", 8, (2.0, 6.0), 0.5),
        ("python", "fork", 8, (2.0, 0.4), 0.1),
        ("waits", THREAD, 32, (0.5, 8.0), 0.25),
        ("spreads", "fork", 8, (1.2, 7.0), 0.0),
        ("coroutine", ASYNCIO, 32, (0.5, 0.25), 0.25),
    ],
)
def test_what_others_had_of_the_cpus_is_told_from_what_workers_took_of_each_other(
    kind: str, context: str, workers: int, ran: tuple[float, float], starved: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """More workers than CPUs wait for each other; tasks of asyncio are all in one thread."""
    some = facts(kind)
    done = tried(monkeypatch, some, predict(some, context, workers, 1000), ran)
    assert done.starved == pytest.approx(starved, abs=0.02)
    assert done.is_done


def test_what_is_late_for_want_of_cpus_has_not_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is late though it had them has; and a function may raise a TimeoutError itself."""
    some = facts("python")
    prediction, late = predict(some, "fork", 4, 1000), TimeoutError()
    for error in (late, multiprocessing.TimeoutError()):
        done = tried(monkeypatch, some, prediction, (36.0, 24.0), took_s=15.0, error=error)
        assert (done.is_done, done.failure, done.starved) == (False, "", 0.4)
    done = tried(monkeypatch, some, prediction, (48.0, 12.0), took_s=15.0, error=late)
    assert done.failure == "TimeoutError: not done after 15.0 s, 0.25 s foreseen"
    done = tried(monkeypatch, some, prediction, (0.1, 0.9), took_s=0.1, error=late)
    assert done.failure == "TimeoutError"


def test_threads_that_never_end_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor several that are only looked at: a function may lock itself out in them."""
    monkeypatch.setattr(trials, "GRACE_S", 0.1)
    monkeypatch.setattr(crowd, "GRACE_S", 0.1)
    for_ever = threading.Event()

    def never_ends_in_threads(number: int) -> int:
        if threading.current_thread() is not threading.main_thread():
            for_ever.wait()
        return number

    try:
        some = facts("python", homes={THREAD: HOMES[THREAD]})
        with pytest.raises(TimeoutError, match="for ever"):
            crowd.apart_s(CALLS["tiny"], never_ends_in_threads, [1], 2)
        done, _ = trials.trial(
            some, predict(some, THREAD, 2, 10), never_ends_in_threads, [1], share_s=0.1
        )
        assert done is not None
        assert done.failure.startswith("TimeoutError: not done after")
    finally:
        for_ever.set()


def test_of_two_runs_the_quicker_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is as quick as can be is not made again."""
    some = facts("python")
    prediction = predict(some, "fork", 4, 1000)
    once = tried(monkeypatch, some, prediction, (1.0, 0.0), took_s=0.26)
    twice = tried(monkeypatch, some, prediction, (1.0, 0.0), took_s=0.4)
    assert twice.calls == 2 * once.calls


@pytest.mark.parametrize(
    ("kind", "script", "context"),
    [
        ("releases", [(THREAD, 0.5), ("fork", 1.0), ("fork", 0.97), (THREAD, 0.98)], THREAD),
        ("releases", [(THREAD, 0.5), ("fork", 1.0)] + 2 * [("fork", 1.0), (THREAD, 0.5)], "fork"),
        ("python", [("fork", 1.0), (THREAD, 1.0)], "fork"),
        ("python", [("fork", 0.2), (THREAD, 1.0), ("fork", 0.9)], "fork"),
        ("python", [("fork", 0.2), (THREAD, 1.0), ("fork", 0.2), ("fork", 0.2)], MAIN),
    ],
)
def test_what_a_burst_elsewhere_may_have_decided_is_tried_again(
    kind: str, script: list[tuple[str, float]], context: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One after the other, until they agree with the model, and twice at the most."""
    found = study._Study(kinds.draws, float("inf"), 4)
    found.facts = facts(kind)
    found._probe = Probe(found.facts.call, [1], [1], 1)
    left = iter(script)

    def scripted(_: Facts, prediction: Prediction, *__: object) -> tuple[Trial, int]:
        where, how_fast = next(left)
        assert prediction.context == where
        return made_up(where, how_fast), 0

    monkeypatch.setattr(study, "trial", scripted)
    found.try_out(6000)
    assert found.advice(6000).context == context
    assert list(left) == []


def test_on_a_busy_machine_advice_is_the_same_and_says_so() -> None:
    """A program beside it on each CPU, which never waits."""
    command = [sys.executable, "-S", "-c", "while True: pass"]
    others = [subprocess.Popen(command) for _ in range(cpu_count())]
    try:
        advice = interlock.advise(
            kinds.draws, range(4), contexts=["thread", "fork"], budget_s=3.0, workers_max=4
        )
    finally:
        for each in others:
            each.kill()
            each.wait()
    assert advice.context == (THREAD if cpu_count() > 1 else MAIN)
    assert advice.busy > 0.1
    assert advice.as_dict()["busy"] == advice.busy
    assert advice.notes[0].startswith("The machine was busy: up to ")
