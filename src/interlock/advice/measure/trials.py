"""Runs the sample as the model would have it run, and takes the time."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

from interlock.advice.facts import ASYNCIO, PROCESSES, Facts, Trial
from interlock.advice.measure.places import Awaited, opened
from interlock.advice.model import Prediction, predict

__all__ = ["size_of", "trial"]

LEAST_S = 0.25  # a run that says something on a machine that does other things too
LONG_S, ROUNDS = 0.005, 4  # calls that are longer are not made more often than that by a worker
GOOD = 0.9  # of what was predicted
SHORT_S = 0.6  # one that is worse, and takes no longer, is run twice, and the better counts
CALLS_MAX = 100_000
RESULTS_MAX = 256 << 20  # bytes that are kept until the end
PATIENCE, GRACE_S = 5.0, 2.0  # so many times what was predicted, and so long


def size_of(prediction: Prediction, bytes_out: int, share_s: float) -> int:
    """How many calls make a trial that takes no longer than its share; 0 if one is too long."""
    if prediction.item_s > share_s:
        return 0
    rounds = math.ceil(LEAST_S * prediction.rate / prediction.workers)
    if prediction.limit == "workers" and prediction.item_s > LONG_S:
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

    If a process dies: the trial has failed, and says so.
    """
    number = size_of(prediction, facts.travel.bytes_out, share_s)
    if number == 0:
        return None, 0
    context, workers = prediction.context, prediction.workers
    called = Awaited(function) if facts.call.is_async and context != ASYNCIO else function
    given = list(itertools.islice(itertools.cycle(inputs), number))
    batch = None if context in PROCESSES else prediction.batch
    expected = predict(facts, context, workers, number, batch or prediction.batch)
    predicted_s = max(number / expected.rate, math.ceil(number / workers) * expected.item_s)
    most_s = PATIENCE * predicted_s + GRACE_S
    best_s, starved, calls, memory = math.inf, 0.0, 0, 0
    try:
        with opened(context, workers, called) as place:
            for _ in range(2):
                before, started = place.starved_s(), time.perf_counter()
                place.map(called, given, batch, most_s)
                took = time.perf_counter() - started
                calls += number
                if took < best_s:
                    best_s = took
                    starved = (place.starved_s() - before) / (workers * took)
                if took > SHORT_S or 2 * took > share_s or took * GOOD < predicted_s:
                    break
            memory = place.memory_bytes()
    except Exception as error:
        text = " ".join(str(error).split())[:300]
        failure = f"{type(error).__name__}: {text}" if text else type(error).__name__
        done = Trial(context, workers, batch or 0, number, 0.0, predicted_s, calls + number,
                     failure=failure)  # fmt: skip
        return done, memory
    if workers > facts.cores and expected.limit == "cpus":
        starved = 0.0  # they kept each other from the CPU
    starved = min(1.0, starved)
    return Trial(context, workers, batch or 0, number, best_s, predicted_s, calls, starved), memory
