"""First come, first served."""

from __future__ import annotations

from typing import Any

from interlock.testing.contract import contract, must
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]

LINE = 6
TURNS = 2000
LOOKS = 100
# The owner, the other one that waits, and two whose turn begins before this one has lined up.
PASSED_MOST = 4


@contract("fair")
def they_have_it_in_the_order_they_came(trial: Trial) -> None:
    """Threads and processes that wait have the lock in the order in which they began to wait."""
    lock, (reading, writing) = trial.make(), trial.pipe()
    with lock:
        tasks = []
        for number in range(LINE):
            start = trial.child if number % 2 else trial.thread
            tasks.append(start(_tell_turn, lock, writing, number))
            tasks[-1].wait_asleep()
    for task in tasks:
        task.result()
    order = [reading.recv() for _ in range(LINE)]
    must(order == list(range(LINE)), f"They had it in the order {order}.")


def _tell_turn(lock: Any, writing: Any, number: int) -> None:
    with lock:
        writing.send(number)


@contract("fair")
def who_waits_is_passed_by_those_before_it_alone(trial: Trial) -> None:
    """While one waits, each that came before it has the lock once, and nobody else."""
    lock = trial.make()
    turns: list[str] = []

    def want(name: str) -> None:
        for _ in range(TURNS):
            with lock:
                turns.append(name)

    eager = [trial.thread(want, name) for name in "ab"]
    for _ in range(LOOKS):
        before = len(turns)
        lock.acquire()
        passed = len(turns) - before
        lock.release()
        must(passed <= PASSED_MOST, f"While one waited, others had {passed} turns.")
    for each in eager:
        each.result()


CONTRACTS = (they_have_it_in_the_order_they_came, who_waits_is_passed_by_those_before_it_alone)
