"""Pool. One pool is used for many promises where it can be: starting one takes a while."""

from __future__ import annotations

import itertools
import multiprocessing
import threading

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("Pool")
def calls_return_their_values(bench: Bench) -> None:
    """apply(), map() in order, starmap(), imap() in order, imap_unordered()."""
    with bench.context.Pool(2) as pool:
        must(pool.apply(pow, (2, 5)) == 32, "apply() returns something else.")
        squares = [n * n for n in range(20)]
        must(pool.map(work.square_slowly_first, range(20)) == squares, "map() has another order.")
        must(pool.starmap(pow, [(2, 3), (3, 2)]) == [8, 9], "starmap() is wrong.")
        must([*pool.imap(work.square_slowly_first, range(20))] == squares, "imap() is wrong.")
        unordered = sorted(pool.imap_unordered(work.square, range(20)))
        must(unordered == squares, "imap_unordered() is wrong.")


@promise("Pool")
def a_result_is_waited_for_so_long(bench: Bench) -> None:
    """get(timeout) raises TimeoutError when it has not come; it may be asked for again."""
    with bench.context.Pool(1) as pool:
        result = pool.apply_async(work.spin_for, (0.5,))
        with raising(multiprocessing.TimeoutError, after_s=bench.moment_s):
            result.get(bench.moment_s)
        result.get(bench.long_s)


@promise("Pool")
def an_error_arrives_as_it_is(bench: Bench) -> None:
    """The exception of a task is raised where its value is asked for; other tasks are done."""
    with bench.context.Pool(2) as pool:
        bad = pool.apply_async(work.fail_in_a_task, (7,))
        must(pool.map(work.square, range(5)) == [0, 1, 4, 9, 16], "The others are not done.")
        with raising(KeyError) as raised:
            bad.get(bench.long_s)
        must(raised.error.args == ("it fails", 7), f"It has {raised.error.args}.")


@promise("Pool")
def callbacks_are_called(bench: Bench) -> None:
    """callback= with a value, error_callback= with an error."""
    came: list[object] = []
    done = threading.Semaphore(0)

    def note(what: object) -> None:
        came.append(what)
        done.release()

    with bench.context.Pool(1) as pool:
        pool.apply_async(work.square, (3,), callback=note)
        must(done.acquire(timeout=bench.long_s), "Nothing was called.")
        pool.apply_async(work.fail_in_a_task, error_callback=note)
        must(done.acquire(timeout=bench.long_s), "Nothing was called for the error.")
    must(came[0] == 9 and isinstance(came[1], KeyError), f"They had {came}.")


@promise("Pool")
def what_cannot_be_serialized_costs_itself(bench: Bench) -> None:
    """A task whose result cannot travel fails; the others are done."""
    with bench.context.Pool(1) as pool:
        with raising(Exception):
            pool.apply(work.give_lock)
        must(pool.apply(work.square, (3,)) == 9, "The next one fails, too.")


@promise("Pool")
def it_ends_when_all_is_done(bench: Bench) -> None:
    """After close() it takes no more, and join() waits for what it has."""
    pool = bench.context.Pool(2)
    results = [pool.apply_async(work.square, (n,)) for n in range(10)]
    pool.close()
    with raising(ValueError):
        pool.apply_async(work.square, (1,))
    pool.join()
    must([each.get(bench.long_s) for each in results] == [n * n for n in range(10)], "Lost.")


@promise("Pool")
def an_endless_input_is_read_as_needed(bench: Bench) -> None:
    """imap() of an iterator without end gives its first results."""
    with bench.context.Pool(2) as pool:
        numbers = itertools.count()
        results = pool.imap(work.square, itertools.islice(numbers, 1_000_000))
        must([next(results) for _ in range(3)] == [0, 1, 4], "They are others.")
        must(next(numbers) < 999_999, "It was read to its end.")


@promise("Pool")
def a_task_is_tried_again(bench: Bench) -> None:
    """retries= and retry_on=: a task that fails twice returns the third time."""
    with bench.context.Pool(1) as pool:
        must(pool.apply(work.fail_twice, retries=3, retry_on=OSError) == 3, "It is another.")


@promise("Pool")
def a_task_has_so_much_time(bench: Bench) -> None:
    """timeout=: one that computes too long is ended, with TimeoutError; the next one is run."""
    with bench.context.Pool(1) as pool:
        with raising(TimeoutError):
            pool.apply(work.spin, timeout=bench.moment_s)
        must(pool.apply(work.square, (3,)) == 9, "The next one is not run.")


@promise("Pool")
def a_worker_has_its_state(bench: Bench) -> None:
    """What the initializer returned is worker_state() in its tasks."""
    with bench.context.Pool(1, work.become, ("ready",)) as pool:
        must(pool.apply(work.state) == "READY", "It is another.")


@promise("Pool", asks="kills")
def a_killed_worker_costs_its_task(bench: Bench) -> None:
    """A task whose worker is killed fails with an error, soon; the others are done."""
    with bench.context.Pool(2) as pool:
        bad = pool.apply_async(work.die)
        with raising(Exception) as raised:
            bad.get(bench.soon_s)
        must(not isinstance(raised.error, multiprocessing.TimeoutError), "Nobody is told.")
        must(pool.map(work.square, range(5)) == [0, 1, 4, 9, 16], "The others are not done.")


@promise("Pool")
def it_can_be_awaited(bench: Bench) -> None:
    """.aio has its methods for asyncio."""
    import asyncio

    async def main() -> None:
        with bench.context.Pool(1) as pool:
            must(await pool.aio.map(work.square, [1, 2]) == [1, 4], "map() is wrong.")
            must([each async for each in pool.aio.imap(work.square, [3])] == [9], "imap() is.")

    asyncio.run(main())


PROMISES = (
    calls_return_their_values,
    a_result_is_waited_for_so_long,
    an_error_arrives_as_it_is,
    callbacks_are_called,
    what_cannot_be_serialized_costs_itself,
    it_ends_when_all_is_done,
    an_endless_input_is_read_as_needed,
    a_task_is_tried_again,
    a_task_has_so_much_time,
    a_worker_has_its_state,
    a_killed_worker_costs_its_task,
    it_can_be_awaited,
)
