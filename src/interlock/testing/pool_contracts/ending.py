"""The end of a pool: close(), join(), terminate(), and a with block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.processes import wait_ended
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]


@contract()
def a_closed_pool_refuses(trial: Trial) -> None:
    """After close() every method raises ValueError, though the workers may be at work."""
    subject, board = begin(trial)
    pool = subject.inner
    running = pool.apply_async(tasks.held, (board.post, "value"))
    board.next_word()
    pool.close()
    methods: tuple[Callable[[], Any], ...] = (
        lambda: pool.apply(tasks.square, (1,)),
        lambda: pool.apply_async(tasks.square, (1,)),
        lambda: pool.map(tasks.square, [1]),
        lambda: pool.map_async(tasks.square, [1]),
        lambda: pool.starmap(tasks.add, [(1,)]),
        lambda: pool.starmap_async(tasks.add, [(1,)]),
        lambda: pool.imap(tasks.square, [1]),
        lambda: pool.imap_unordered(tasks.square, [1]),
        pool.__enter__,
    )
    for method in methods:
        with raising(ValueError, "A method of a closed pool"):
            method()
    pool.close()
    board.open_gate()
    must(running.get() == "value", "The call that ran has another result.")
    pool.join()


@contract()
def a_running_pool_is_not_joined(trial: Trial) -> None:
    """join() without close() or terminate() raises ValueError, and changes nothing."""
    subject, _ = begin(trial)
    with raising(ValueError, "join() of a running pool"):
        subject.inner.join()
    must(subject.inner.apply(tasks.square, (3,)) == 9, "It does not work any more.")


@contract()
def many_may_join(trial: Trial) -> None:
    """Threads at once, again and again."""
    subject, board = begin(trial)
    pool = subject.inner
    running = pool.apply_async(tasks.held, (board.post, "value"))
    board.next_word()
    pool.close()
    joining = [trial.thread(pool.join) for _ in range(2)]
    for thread in joining:
        thread.wait_asleep()
    must(not any(thread.is_over() for thread in joining), "join() returned while a call ran.")
    board.open_gate()
    for thread in joining:
        thread.result()
    pool.join()
    must(running.ready() and running.get() == "value", "join() returned before the result came.")


@contract("processes")
def terminate_waits_for_no_call(trial: Trial) -> None:
    """The workers end, whatever they run; join() returns, and again."""
    subject, board = begin(trial)
    pool = subject.inner
    for _ in range(20):
        pool.apply_async(tasks.held, (board.post,))
    pids = board.next_words(2)
    pool.terminate()
    pool.join()
    for pid in pids:
        wait_ended(int(pid), trial.rest_s())
    with raising(ValueError, "A call after terminate()"):
        pool.apply(tasks.square, (1,))
    pool.terminate()
    pool.join()


@contract("terminated", "processes")
def nobody_waits_for_what_was_terminated(trial: Trial) -> None:
    """Who waits in get() or next(), or comes later, gets an exception."""
    subject, board = begin(trial)
    pool = subject.inner
    _, held = tasks.at(board.post)
    single, many = pool.apply_async(held), pool.map_async(held, range(4))
    lazy = pool.imap(held, range(4))
    board.next_words(2)
    waits: tuple[Callable[[], Any], ...] = (single.get, many.get, lazy.__next__)
    waiting = [trial.thread(wait) for wait in waits]
    for thread in waiting:
        thread.wait_asleep()
    pool.terminate()
    for thread in waiting:
        with raising(Exception, "What was waited for when the pool was terminated"):
            thread.result()
        trial.forget(thread)
    for late in (single, many):
        with raising(Exception, "get() after terminate()"):
            late.get()


@contract()
def a_with_block_terminates(trial: Trial) -> None:
    """At its end, also by an exception; what was got within it stays."""
    subject, _ = begin(trial)
    pool = subject.inner
    results: list[Any] = []

    def fail_inside() -> None:
        with pool as entered:
            results.append(entered.apply_async(tasks.square, (3,)))
            must(results[0].get() == 9, "The result is another.")
            raise KeyError

    with raising(KeyError, "A with block that raises KeyError"):
        fail_inside()
    must(results[0].get() == 9, "The result is gone.")
    with raising(ValueError, "A call after the with block"):
        pool.apply_async(tasks.square, (1,))
    pool.join()


CONTRACTS = (
    a_closed_pool_refuses,
    a_running_pool_is_not_joined,
    many_may_join,
    terminate_waits_for_no_call,
    nobody_waits_for_what_was_terminated,
    a_with_block_terminates,
)
