"""ProcessPoolExecutor."""

from __future__ import annotations

import concurrent.futures
import os
import tempfile

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("ProcessPoolExecutor")
def futures_have_values_and_errors(bench: Bench) -> None:
    """submit() gives a concurrent.futures.Future; map() keeps the order."""
    with bench.context.ProcessPoolExecutor(2) as executor:
        good, bad = executor.submit(pow, 2, 5), executor.submit(work.fail_in_a_task, 7)
        must(isinstance(good, concurrent.futures.Future), f"It is a {type(good)}.")
        must(good.result(bench.long_s) == 32, "It is another.")
        must(isinstance(bad.exception(bench.long_s), KeyError), "It has another error.")
        must(bad in concurrent.futures.wait([good, bad], bench.long_s).done, "It is not done.")
        squares = [n * n for n in range(20)]
        must([*executor.map(work.square_slowly_first, range(20))] == squares, "map() is wrong.")


@promise("ProcessPoolExecutor")
def a_future_is_waited_for_so_long(bench: Bench) -> None:
    """result(timeout) raises TimeoutError, and may be asked again."""
    with bench.context.ProcessPoolExecutor(1) as executor:
        future = executor.submit(work.spin_for, 0.5)
        with raising(concurrent.futures.TimeoutError, after_s=bench.moment_s):
            future.result(bench.moment_s)
        future.result(bench.long_s)


@promise("ProcessPoolExecutor")
def what_is_not_begun_can_be_cancelled(bench: Bench) -> None:
    """cancel() of one that waits behind others; it is never run."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "run")
        with bench.context.ProcessPoolExecutor(1) as executor:
            for _ in range(4):
                executor.submit(work.spin_for, 0.2)
            future = executor.submit(work.touch, path)
            must(future.cancel() and future.cancelled(), "It cannot be.")
            with raising(concurrent.futures.CancelledError):
                future.result(bench.long_s)
        must(not os.path.exists(path), "It is run all the same.")


@promise("ProcessPoolExecutor")
def what_runs_can_be_cancelled(bench: Bench) -> None:
    """cancel(running=True) ends one that computes; the next one is run."""
    with bench.context.ProcessPoolExecutor(1) as executor:
        future = executor.submit(work.spin)
        after = executor.submit(work.square, 3)
        must(future.cancel(running=True), "It cannot be.")
        must(after.result(bench.long_s) == 9, "The next one is not run.")
        must(future.cancelled(), "It is not cancelled.")


@promise("ProcessPoolExecutor")
def shutdown_waits_for_all(bench: Bench) -> None:
    """After shutdown() all is done, and it takes no more."""
    executor = bench.context.ProcessPoolExecutor(2)
    futures = [executor.submit(work.square, n) for n in range(10)]
    executor.shutdown()
    must([each.result(0) for each in futures] == [n * n for n in range(10)], "Lost.")
    with raising(RuntimeError):
        executor.submit(work.square, 1)


@promise("ProcessPoolExecutor", asks="kills")
def a_killed_worker_costs_its_call(bench: Bench) -> None:
    """A call whose worker is killed fails, soon; the calls after it are run."""
    with bench.context.ProcessPoolExecutor(1) as executor:
        with raising(concurrent.futures.BrokenExecutor):
            executor.submit(work.die).result(bench.soon_s)
        must(executor.submit(work.square, 3).result(bench.long_s) == 9, "It is broken for good.")


PROMISES = (
    futures_have_values_and_errors,
    a_future_is_waited_for_so_long,
    what_is_not_begun_can_be_cancelled,
    what_runs_can_be_cancelled,
    shutdown_waits_for_all,
    a_killed_worker_costs_its_call,
)
