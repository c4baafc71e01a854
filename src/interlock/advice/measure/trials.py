"""Runs the sample as the model would have it run, and takes the time.

What others do on the machine makes a run slower and never faster. So of two runs the quicker
counts, and what the kernel says that workers were kept from is told apart.
"""

from __future__ import annotations

import itertools
import math
import multiprocessing
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from interlock.advice.facts import ASYNCIO, PROCESSES, Call, Facts, Trial
from interlock.advice.measure.places import Awaited, Place, opened
from interlock.advice.model import Prediction, predict

__all__ = ["size_of", "trial"]

LEAST_S = 0.25  # a run that says something on a machine that does other things too
LONG_S, ROUNDS = 0.005, 4  # calls that are longer are not made more often than that by a worker
GOOD = 0.9  # of what was predicted
SHORT_S = 0.6  # one that is worse, and takes no longer, is run twice, and the better counts
CALLS_MAX = 100_000
RESULTS_MAX = 256 << 20  # bytes that are kept until the end
PATIENCE, GRACE_S = 5.0, 2.0  # so many times what was predicted, and so long
KEPT = 0.3  # of the time without a CPU: it is not the context's fault that it is not done


def size_of(call: Call, prediction: Prediction, bytes_out: int, share_s: float) -> int:
    """How many calls make a trial that takes no longer than its share; 0 if one is too long.

    Or if the start of the workers is.
    """
    if max(prediction.item_s, prediction.start_s) > share_s:
        return 0
    rounds = math.ceil(LEAST_S * prediction.rate / prediction.workers)
    if call.waiting_s > call.wall_s / 2 and prediction.item_s > LONG_S:
        rounds = min(rounds, ROUNDS)  # waits are as long as they are
    wanted = prediction.workers * max(2, rounds)
    fits = max(prediction.workers, int(share_s * prediction.rate))
    kept = max(1, RESULTS_MAX // max(1, bytes_out))
    return max(1, min(wanted, fits, kept, CALLS_MAX))


def trial(
    facts: Facts,
    prediction: Prediction,
    function: Callable[[Any], Any],
    inputs: Sequence[Any],
    share_s: float,
) -> tuple[Trial | None, int]:
    """Run it.

    Args:
        facts: What was measured.
        prediction: Where, and by how many.
        function: What.
        inputs: On what; gone through again where they are too few.
        share_s: Take no longer, if that can be foreseen.

    Returns:
        What came of it, None where a single call is too long for it; and what the memory of a
        worker was, in bytes.

    If a process dies: the trial has failed, and says so. Where it was not done in time as others
        had the CPUs, it has not failed: it says nothing.
    """
    number = size_of(facts.call, prediction, facts.travel.bytes_out, share_s)
    if number == 0:
        return None, 0
    context, workers = prediction.context, prediction.workers
    called = Awaited(function) if facts.call.is_async and context != ASYNCIO else function
    given = list(itertools.islice(itertools.cycle(inputs), number))
    batch = None if context in PROCESSES else prediction.batch
    expected = predict(facts, context, workers, number, batch or prediction.batch)
    predicted_s = max(number / expected.rate, math.ceil(number / workers) * expected.item_s)
    best = Trial(context, workers, batch or 0, number, math.inf, predicted_s)
    most_s = PATIENCE * predicted_s + GRACE_S
    calls = memory = 0
    try:
        with opened(context, workers, called) as place:
            for _ in range(2):
                calls += number
                took, ran, is_done = _run(place, called, given, batch, most_s)
                starved = _kept(facts, expected, number, took, *ran)
                if not is_done and starved < KEPT:
                    raise TimeoutError(f"not done after {took:.1f} s, {predicted_s:.2g} s foreseen")
                if took < best.seconds:
                    best = replace(best, seconds=took, starved=starved, is_done=is_done)
                if not is_done:
                    raise _Late  # workers are not waited for
                if took > SHORT_S or 2 * took > share_s or took * GOOD < predicted_s:
                    break
            memory = place.memory_bytes()
    except _Late:
        return replace(best, calls=calls), memory
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        failure = f"{type(error).__name__}: {text}" if text else type(error).__name__
        return replace(best, seconds=0.0, calls=calls, failure=failure), memory
    return replace(best, calls=calls), memory


class _Late(Exception):
    """Others had the CPUs, and it was not done in time."""


def _run(
    place: Place, function: Callable[[Any], Any], given: Sequence[Any], batch: int | None,
    most_s: float,
) -> tuple[float, tuple[float, float], bool]:  # fmt: skip
    """Once: for how long, how long workers were on the CPU and kept from it, and whether it ended.

    Raises:
        Exception: What went wrong.
    """
    before, started = place.scheduled(), time.perf_counter()
    is_done = True
    try:
        place.map(function, given, batch, most_s)
    except (TimeoutError, multiprocessing.TimeoutError):
        if time.perf_counter() - started < 0.99 * most_s:
            raise  # the function's own
        is_done = False
    took = time.perf_counter() - started
    on_cpu, without = (b - a for a, b in zip(before, place.scheduled(), strict=True))
    return took, (on_cpu, without), is_done


def _kept(
    facts: Facts, expected: Prediction, number: int, took: float, on_cpu_s: float, without_s: float
) -> float:
    """The part of the time for which others had the CPUs.

    Of more workers than CPUs some wait for the others: no more was had by strangers than what they
    had not together.
    """
    workers = 1 if expected.context == ASYNCIO else expected.workers
    if workers > facts.cores and expected.limit == "cpus":
        workers = facts.cores
        had_s = on_cpu_s + number * facts.call.elsewhere_s
        without_s = min(without_s, workers * took - had_s)
    return min(1.0, max(0.0, without_s / (workers * took)))
