"""The end of an executor: shutdown(), a with block, terminate_workers() and kill_workers()."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future

from interlock.testing.contract import contract, must, raising
from interlock.testing.processes import wait_ended
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]


@contract()
def shutdown_need_not_wait(trial: Trial) -> None:
    """shutdown(wait=False) returns while calls run and wait; all are made, and no more taken."""
    subject, board = begin(trial)
    _, held = tasks.at(board.post)
    futures = [subject.inner.submit(held, number) for number in range(6)]
    board.next_words(2)
    subject.inner.shutdown(wait=False)
    must(not futures[0].done(), "The call that runs is told to be done.")
    with raising(RuntimeError, "submit() after shutdown()"):
        subject.inner.submit(tasks.square, 1)
    with raising(RuntimeError, "map() after shutdown()"):
        subject.inner.map(tasks.square, [1])
    board.open_gate()
    must([future.result() for future in futures] == list(range(6)), "The results differ.")
    subject.inner.shutdown()


@contract()
def shutdown_may_cancel_what_waits(trial: Trial) -> None:
    """shutdown(cancel_futures=True) waits for the calls that run, and no other is made."""
    subject, board = begin(trial)
    running = [subject.inner.submit(tasks.held, board.post, number) for number in range(2)]
    board.next_words(2)
    waiting = [subject.inner.submit(tasks.said, board.post, number) for number in range(20)]
    ending = trial.thread(lambda: subject.inner.shutdown(cancel_futures=True))
    ending.wait_asleep()
    must(not ending.is_over(), "shutdown() returned while calls ran.")
    board.open_gate()
    ending.result()
    must([future.result() for future in running] == [0, 1], "What ran has other results.")
    made = [str(n) for n, future in enumerate(waiting) if not future.cancelled()]
    must(len(made) < 10, f"Of 20 calls that waited, {len(made)} were not cancelled.")
    must(sorted(board.words_left()) == sorted(made), "Calls that were cancelled were made.")
    for future in waiting:
        if future.cancelled():
            with raising(CancelledError, "result() of what was cancelled"):
                future.result()


@contract()
def a_with_block_waits(trial: Trial) -> None:
    """At its end, also by an exception, all calls are made; later ones are refused."""
    subject, _ = begin(trial)
    futures: list[Future[int]] = []

    def fail_inside() -> None:
        with subject.inner as executor:
            futures.extend(executor.submit(tasks.square, number) for number in range(50))
            raise KeyError

    with raising(KeyError, "A with block that raises KeyError"):
        fail_inside()
    must(all(future.done() for future in futures), "It ended before all calls were made.")
    must([future.result() for future in futures] == [n * n for n in range(50)], "They differ.")
    with raising(RuntimeError, "submit() after the with block"):
        subject.inner.submit(tasks.square, 1)


@contract("terminate_workers", "processes")
def workers_are_ended_at_once(trial: Trial) -> None:
    """By terminate_workers() or kill_workers(): nobody waits for ever for what they ran."""
    for how in ("terminate_workers", "kill_workers"):
        subject, board = begin(trial)
        futures = [subject.inner.submit(tasks.held, board.post) for _ in range(6)]
        pids = board.next_words(2)
        waiting = trial.thread(futures[0].result)
        waiting.wait_asleep()
        getattr(subject.inner, how)()
        for pid in pids:
            wait_ended(int(pid), trial.rest_s())
        with raising((Exception, CancelledError), f"result() after {how}()"):
            waiting.result()
        trial.forget(waiting)
        for future in futures:
            with raising((Exception, CancelledError), f"result() after {how}()"):
                future.result()
        with raising(RuntimeError, f"submit() after {how}()"):
            subject.inner.submit(tasks.square, 1)
        subject.inner.shutdown()


CONTRACTS = (
    shutdown_need_not_wait,
    shutdown_may_cancel_what_waits,
    a_with_block_waits,
    workers_are_ended_at_once,
)
