"""Predicts how fast a function would run: for each context, any number of workers and any batch.

What bounds the rate, items a second, is the scarcest of these:

    workers   each has one item at a time, for all of the time that it takes
    cpus      the CPU time of an item, with what is done to bring it there and back
    gil       in threads of one interpreter: one at a time, for the time that an item holds it
    parent    to other processes and interpreters: one process sends all and reads all

These are the asymptotic bounds of operational analysis. They are a little too good where two are
near each other; the trials that follow say by how much. A soft model (mean value analysis) is too
bad there for work as regular as most maps are, and cannot be told in one sentence.

Source: P. J. Denning, J. P. Buzen, The Operational Analysis of Queueing Network Models (1978).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from interlock.advice.facts import ASYNCIO, MAIN, THREAD, Facts, Home

__all__ = ["Prediction", "best", "breaks_even", "curve", "items_of_a_minute", "predict",
           "workers_possible"]  # fmt: skip

LONG_S = 60.0  # a job of unknown length takes so long in a loop
OVERHEAD = 0.05  # what a message may add to the work in it
NEAR = 1.05  # fewer workers are better, if they take no longer than this
MEMORY_PART = 0.5  # of what is free, for workers
ROUNDS_MIN = 4  # batches for each worker, so that all end at about the same time
BATCH_MAX = 4096


@dataclass(frozen=True)
class Prediction:
    """How fast it would be.

    Attributes:
        context: Where.
        workers: By how many.
        batch: In messages of so many.
        rate: Items a second, once it runs.
        limit: What bounds that: workers, cpus, gil or parent.
        start_s: Before it runs.
        item_s: One item in one worker; no run is shorter.
    """

    context: str
    workers: int
    batch: int
    rate: float
    limit: str
    start_s: float = 0.0
    item_s: float = 0.0

    def seconds(self, items: int) -> float:
        """For so many items, from the start."""
        return self.start_s + max(items / self.rate, self.item_s)


def items_of_a_minute(facts: Facts) -> int:
    """How many items make a long job."""
    return max(1, math.ceil(LONG_S / max(facts.call.wall_s, 1e-7)))


def predict(
    facts: Facts, context: str, workers: int, items: int, batch: int | None = None
) -> Prediction:
    """For a context with a number of workers.

    Args:
        facts: What was measured.
        context: One of `facts.homes`.
        workers: How many.
        items: Of the job.
        batch: Items in a message; None for a good number.
    """
    call, home = facts.call, facts.homes[context]
    if context == MAIN:
        return Prediction(MAIN, 1, 1, 1 / _some(call.wall_s), "workers", 0.0, call.wall_s)
    if context == ASYNCIO:
        bounds = {
            "workers": workers / _some(call.wall_s),
            "cpus": 1 / _some(call.cpu_s + call.elsewhere_s + home.item_s),
        }
        limit = min(bounds, key=bounds.__getitem__)
        return Prediction(ASYNCIO, workers, 1, bounds[limit], limit, 0.0, call.wall_s)
    size = batch or _batch(facts, home, workers, items)
    pool = home.item_s + home.message_s / size
    cpu = call.cpu_s + call.elsewhere_s
    if context == THREAD:
        item = call.wall_s + pool
        bounds = {
            "workers": workers / _some(item),
            "gil": 1 / _some(call.gil_s + pool),
            "cpus": facts.cores / _some(cpu + pool),
        }
    else:
        travel = facts.travel
        item = call.wall_s + travel.there_s
        bounds = {
            "workers": workers / _some(item),
            "parent": 1 / _some(pool + travel.here_s),
            "cpus": facts.cores / _some(cpu + pool + travel.here_s + travel.there_s),
        }
    limit = min(bounds, key=bounds.__getitem__)
    start = home.start_s + (workers - 1) * home.more_s
    return Prediction(context, workers, size, bounds[limit], limit, start, item)


def workers_possible(facts: Facts, context: str, most: int) -> list[int]:
    """Numbers of workers to look at: each up to the CPUs, then ever wider apart; as memory lets."""
    if context == MAIN:
        return [1]
    each = facts.homes[context].memory_bytes + facts.call.memory_bytes
    if each > 0:
        most = min(most, int(facts.memory_bytes * MEMORY_PART) // each)
    most = max(1, most)
    numbers, step = set(range(1, min(most, facts.cores, 16) + 1)), 1.0
    while step <= most:
        numbers.add(round(step))
        step *= math.sqrt(2)
    return sorted(numbers | {min(most, facts.cores), most})


def curve(facts: Facts, context: str, items: int, most: int) -> list[Prediction]:
    """The prediction for each number of workers; none where nothing can run."""
    if context not in facts.homes or facts.homes[context].refused:
        return []
    return [predict(facts, context, n, items) for n in workers_possible(facts, context, most)]


def best(predictions: list[Prediction], items: int) -> Prediction:
    """The fewest workers among those that take about the least time."""
    least = min(each.seconds(items) for each in predictions)
    return next(each for each in predictions if each.seconds(items) <= least * NEAR)


def breaks_even(facts: Facts, chosen: Prediction, rate: float) -> int | None:
    """From how many items on it is faster than a loop, at a rate; None if never."""
    gain = facts.call.wall_s - 1 / rate
    if gain <= 0:
        return None
    return max(2, math.ceil(chosen.start_s / gain))


def _batch(facts: Facts, home: Home, workers: int, items: int) -> int:
    """As few as make the message cheap, and never so many that workers run out of them."""
    work = facts.call.wall_s
    if home.context != THREAD:
        work += facts.travel.here_s + facts.travel.there_s
    wanted = math.ceil(home.message_s / _some(OVERHEAD * work))
    fair = max(1, items // (workers * ROUNDS_MIN))
    return max(1, min(wanted, fair, BATCH_MAX))


def _some(seconds: float) -> float:
    """A time to divide by."""
    return max(seconds, 1e-9)
