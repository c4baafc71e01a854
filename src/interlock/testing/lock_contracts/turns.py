"""One owner at a time: taking, waiting, giving up, releasing."""

from __future__ import annotations

import mmap
import time
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS", "had", "hold"]

TURNS = 200
TAKERS = 3
EARLY_S = 0.002  # clocks differ by so much
LATE_S = 2.0  # on a machine that is busy with something else
TIMEOUTS_S = (0.0, 0.05, 0.3)


def had(lock: Any, within_s: float | None = None) -> bool:
    """Whether it can be had, in whatever thread or process this runs; it is released then."""
    if not lock.acquire(True, within_s):
        return False
    lock.release()
    return True


def hold(lock: Any, taken: Any, over: Any) -> None:
    """Have the lock until told; by pipes, for processes."""
    with lock:
        taken.send(None)
        over.recv()


@contract()
def processes_take_turns(trial: Trial) -> None:
    """Between acquire() and release() no other process is, so that no change is lost."""
    lock, (reading, writing) = trial.make(), trial.pipe()
    writing.send(0)
    children = [trial.child(_count_up, lock, reading, writing) for _ in range(TAKERS)]
    for child in children:
        child.result()
    total = reading.recv()
    must(total == TAKERS * TURNS, f"Of {TAKERS * TURNS} turns, {total} left a trace.")


def _count_up(lock: Any, reading: Any, writing: Any) -> None:
    # The pipe holds one number: who reads it without the lock finds none, or takes another's.
    for _ in range(TURNS):
        with lock:
            must(reading.poll(), "Another process has the lock too.")
            writing.send(reading.recv() + 1)


@contract()
def threads_take_turns(trial: Trial) -> None:
    """The same, of threads of one process."""
    lock = trial.make()
    with mmap.mmap(-1, mmap.PAGESIZE) as page:

        def count_up() -> None:
            for _ in range(TURNS):
                with lock:
                    number = int.from_bytes(page[:8], "little")
                    time.sleep(0)  # lets the others run at the wrong moment
                    page[:8] = (number + 1).to_bytes(8, "little")

        for thread in [trial.thread(count_up) for _ in range(TAKERS)]:
            thread.result()
        total = int.from_bytes(page[:8], "little")
    must(total == TAKERS * TURNS, f"Of {TAKERS * TURNS} turns, {total} left a trace.")


@contract()
def a_held_lock_is_refused(trial: Trial) -> None:
    """acquire(False) of a held lock is False at once, and with a timeout after that time."""
    lock = trial.make()
    with lock:
        must(trial.thread(lock.acquire, False).result() is False, "It was had twice.")
        for timeout_s in TIMEOUTS_S:
            begun = time.monotonic()
            taken = trial.thread(lock.acquire, True, timeout_s).result()
            took_s = time.monotonic() - begun
            must(taken is False, "It was had twice.")
            must(
                timeout_s - EARLY_S <= took_s <= timeout_s + LATE_S,
                f"acquire(timeout={timeout_s}) gave up after {took_s:.3f} s.",
            )
        must(trial.thread(lock.acquire, True, -1).result() is False, "It was had twice.")
        must(trial.child(had, lock, 0.05).result() is False, "It was had twice.")
    must(lock.acquire(False) is True, "It stayed held by who had given up.")
    lock.release()


@contract()
def who_waits_gets_it(trial: Trial) -> None:
    """acquire() of a held lock waits until it is released."""
    lock = trial.make()
    lock.acquire()
    thread, child = trial.thread(had, lock), trial.child(had, lock)
    thread.wait_asleep()
    child.wait_asleep()
    lock.release()
    must(thread.result() and child.result(), "It was not had.")


@contract()
def it_is_a_context_manager(trial: Trial) -> None:
    """with lock: has it, and gives it up whatever is raised."""
    lock = trial.make()

    def fail_inside() -> None:
        with lock:
            must(trial.thread(lock.acquire, False).result() is False, "It was not taken.")
            raise KeyError

    with raising(KeyError, "A with block that raises KeyError"):
        fail_inside()
    must(trial.thread(had, lock, 0.0).result(), "It was not released.")


@contract("any_release")
def anybody_may_release_it(trial: Trial) -> None:
    """Another thread, and another process, may release what this one has taken."""
    lock = trial.make()
    lock.acquire()
    trial.thread(lock.release).result()
    lock.acquire()
    trial.child(_release, lock).result()
    must(lock.acquire(False) is True, "It was not released.")
    lock.release()


def _release(lock: Any) -> None:
    lock.release()


@contract("any_release")
def a_free_lock_is_not_released(trial: Trial) -> None:
    """release() of a free lock is a ValueError, and leaves it free."""
    lock = trial.make()
    for _ in range(2):
        with raising(ValueError, "release() of a free lock"):
            lock.release()
    must(had(lock, 0.0), "It is not free.")


@contract("recursive")
def its_owner_takes_it_again(trial: Trial) -> None:
    """The owner's acquire() is True at once; as many releases give it up."""
    lock = trial.make()
    for _ in range(3):
        must(lock.acquire(True, 0.0) is True, "Its owner was refused.")
    for _ in range(3):
        must(trial.thread(lock.acquire, False).result() is False, "It was had by two.")
        lock.release()
    must(trial.thread(had, lock, 0.0).result(), "It was not released.")


@contract("recursive")
def its_owner_alone_releases_it(trial: Trial) -> None:
    """release() by another thread is an AssertionError, and changes nothing."""
    lock = trial.make()
    with raising(AssertionError, "release() of a free lock"):
        lock.release()
    with lock:
        thread = trial.thread(lock.release)
        with raising(AssertionError, "release() by another thread"):
            thread.result()
        trial.forget(thread)
        must(trial.thread(lock.acquire, False).result() is False, "It was released.")


CONTRACTS = (
    processes_take_turns,
    threads_take_turns,
    a_held_lock_is_refused,
    who_waits_gets_it,
    it_is_a_context_manager,
    anybody_may_release_it,
    a_free_lock_is_not_released,
    its_owner_takes_it_again,
    its_owner_alone_releases_it,
)
