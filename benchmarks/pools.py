"""What is measured of pools: messages for tasks without work, uneven work, arrays, sharing, starts.

Each round has one process, which makes its pool, warms it up, and drives it; see README.md for what
the clock sees.
"""

from __future__ import annotations

import multiprocessing
import random
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np

from . import roles
from .harness import Clock, Role, WrongResult, play
from .peers.pools import tasks
from .peers.pools.contender import WORKERS, Contender
from .peers.pools.everyone import EVERYONE
from .peers.pools.of_context import of_context
from .workloads import MIB, STDLIB, Measure, Workload

WARM_UP = 64  # tasks, so that every worker has begun and knows the function
MEAN_S = 0.001  # of the uneven tasks
LONGEST_S = 0.01
SEED = 20
ARRAYS = 32
ARRAY_BYTES = 8 * MIB
SHARED_BYTES = 256 * MIB
SHARED_TASKS = 1000

Make = Callable[[], Contender]
Drive = Callable[[Clock, Make, int], None]


def one_by_one(clock: Clock, make: Make, count: int) -> None:
    """Tasks without work, a message for each."""
    _small(clock, make, "one_by_one", tasks.same, range(count))


def submitted(clock: Clock, make: Make, count: int) -> None:
    """Tasks without work, a call of the pool and a result object for each."""
    _small(clock, make, "submitted", tasks.same, range(count))


def batched(clock: Clock, make: Make, count: int) -> None:
    """Tasks without work, in the pool's own batches."""
    _small(clock, make, "batched", tasks.same, range(count))


def uneven(clock: Clock, make: Make, count: int) -> None:
    """Tasks of a length that is exponentially distributed, the same for everybody."""
    lengths = random.Random(SEED)
    times = [min(lengths.expovariate(1 / MEAN_S), LONGEST_S) for _ in range(count)]
    _small(clock, make, "batched", tasks.busy, times)


def _small(
    clock: Clock, make: Make, how: str, function: Callable[[Any], Any], items: Sequence[Any]
) -> None:
    with make() as contender:
        run = getattr(contender, how)
        run(function, list(items[:1]) * WARM_UP)
        clock.start()
        results = run(function, items)
        clock.stop()
    check_results(results, items)


def arrays(clock: Clock, make: Make, count: int) -> None:
    """So many times all the arrays there and back; those that came are kept till the next come."""
    sources = [roles.array(ARRAY_BYTES, number) for number in range(ARRAYS)]
    with make() as contender:
        contender.arrays(tasks.there_and_back, sources[:WORKERS])
        clock.start()
        for _ in range(count):
            results = contender.arrays(tasks.there_and_back, sources)
        clock.stop()
        for result, source in zip(results, sources, strict=True):
            if not np.array_equal(result, source):
                raise WrongResult(f"array {source[0]} is not what was sent")
        del result, results  # before the pool that may have their memory


def shared(clock: Clock, make: Make, count: int) -> None:
    """One object for all tasks: from an object that the pool has not seen to the last result."""
    value = np.arange(SHARED_BYTES // 8, dtype=np.int64) * 3
    numbers = [number * (value.size // SHARED_TASKS) for number in range(SHARED_TASKS)]
    with make() as contender:
        contender.one_by_one(tasks.same, range(WARM_UP))
        clock.start()
        for _ in range(count):
            results = contender.shared(value, numbers)
        clock.stop()
        check_results(results, [3 * number for number in numbers])


def first_result(clock: Clock, make: Make, count: int) -> None:
    """A new pool to the result of its first task; its library is imported, its end not timed."""
    contenders = [make() for _ in range(count)]
    clock.start()
    for contender in contenders:
        contender.start()
        check_results(contender.one_by_one(tasks.same, [1]), [1])
    clock.stop()
    for contender in contenders:
        contender.stop()


def check_results(results: Iterable[Any], expected: Sequence[Any]) -> None:
    """Each task's result, in the order of the tasks.

    Raises:
        WrongResult: One is missing, too many, or another.
    """
    found = list(results)
    if len(found) != len(expected):
        raise WrongResult(f"{len(found)} results came of {len(expected)} tasks")
    for number, (result, right) in enumerate(zip(found, expected, strict=True)):
        if result != right:
            raise WrongResult(f"task {number} gave {result!r:.80}, not {right!r:.80}")


def _round(drive: Drive, make: Make, count: int) -> float:
    host = Role(drive, (make, count), has_children=True)
    return play(multiprocessing.get_context("fork"), [host])[0]


def _by_context(drive: Drive, context: Any, count: int) -> float:
    return _round(drive, partial(of_context, context), count)


def _workload(key: str, name: str, drive: Drive, goal: float, **more: Any) -> Workload:
    able = [kind for kind in EVERYONE if drive is not submitted or hasattr(kind, "submitted")]
    references: dict[str, Measure] = {
        kind.NAME: partial(_round, drive, kind) for kind in able if kind.is_there()
    }
    return Workload(
        f"pool-{key}",
        f"pool, {name}",
        partial(_by_context, drive),
        {STDLIB: goal},
        references=references,
        absent=tuple(kind.NAME for kind in able if not kind.is_there()),
        **more,
    )


WORKLOADS: tuple[Workload, ...] = (
    _workload("one-by-one", "no-op tasks, one a message", one_by_one, 15, trial=WARM_UP),
    _workload("submitted", "no-op tasks, one a call", submitted, 1, trial=WARM_UP),
    _workload("batched", "no-op tasks, its own batches", batched, 1, trial=WARM_UP),
    # Everybody is near what the processors can do; a ratio is mostly noise.
    _workload("uneven", "uneven tasks of 1 ms", uneven, 1, trial=WARM_UP, least=0.9),
    _workload(
        "arrays",
        "32 arrays of 8 MiB, there and back",
        arrays,
        8,
        unit="GB/s",
        amount=2 * ARRAYS * ARRAY_BYTES,
        fixed=1,
    ),
    _workload("shared", "256 MiB for 1,000 tasks", shared, 1, unit="ms", fixed=1),
    _workload("first-result", "start to first result", first_result, 1, unit="ms", fixed=1),
)
