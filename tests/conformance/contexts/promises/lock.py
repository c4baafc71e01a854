"""Lock, RLock, RWLock."""

from __future__ import annotations

import os
import tempfile
import time
import warnings

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise, raising


@promise("Lock", "Process", "Queue")
def a_lock_keeps_others_out(bench: Bench) -> None:
    """One at a time is within it."""
    lock, said, go = bench.context.Lock(), bench.context.Queue(), bench.context.Queue()
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "within")
        processes = [bench.start(work.enter_and_leave, lock, path, said, go, 10) for _ in range(2)]
        for _ in processes:
            said.get(timeout=bench.long_s)
        for _ in processes:
            go.put("go")
        met = sum(said.get(timeout=bench.long_s) for _ in processes)
        must(met == 0, f"Two were in it, {met} times.")
        bench.join(*processes)


@promise("Lock")
def acquire_waits_so_long(bench: Bench) -> None:
    """acquire(True, timeout) is False after that time, acquire(False) at once."""
    lock = bench.context.Lock()
    must(lock.acquire(), "It was not free.")
    began = time.monotonic()
    must(not lock.acquire(True, bench.moment_s), "Two have it.")
    must(time.monotonic() - began >= bench.moment_s * 0.9, "It did not wait.")
    must(not lock.acquire(False), "Two have it.")
    lock.release()
    must(lock.acquire(False), "It is not free again.")
    lock.release()


@promise("Lock")
def a_lock_that_is_free_cannot_be_released(bench: Bench) -> None:
    """release() of one that nobody has raises ValueError."""
    with raising(ValueError):
        bench.context.Lock().release()


@promise("Lock", "Process", "Queue")
def anybody_may_release_a_lock(bench: Bench) -> None:
    """A process may release a lock that another has."""
    lock, said = bench.context.Lock(), bench.context.Queue()
    lock.acquire()
    process = bench.start(work.release, lock, said)
    must(said.get(timeout=bench.long_s) == "released", "It was refused.")
    must(lock.acquire(True, bench.long_s), "It is not free.")
    lock.release()
    bench.join(process)


@promise("Lock", "Process", "Queue", asks="stops")
def a_killed_owner_lets_others_in(bench: Bench) -> None:
    """Who waits for the lock of a killed process gets it."""
    lock, said = bench.context.Lock(), bench.context.Queue()
    process = bench.start(work.hold_and_spin, lock, said)
    said.get(timeout=bench.long_s)
    process.kill()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        must(lock.acquire(True, bench.soon_s), "Nobody gets it any more.")
    lock.release()
    process.join(bench.long_s)


@promise("RLock", "Process", "Queue")
def an_owner_may_take_its_rlock_again(bench: Bench) -> None:
    """It, and nobody else."""
    lock, said = bench.context.RLock(), bench.context.Queue()
    with lock:
        must(lock.acquire(False), "Its owner is kept out.")
        lock.release()
        process = bench.start(work.try_lock, lock, said)
        must(said.get(timeout=bench.long_s) is False, "Another got it.")
    bench.join(process)


@promise("RLock", "Process", "Queue")
def only_its_owner_may_release_an_rlock(bench: Bench) -> None:
    """release() by another raises AssertionError."""
    lock, said = bench.context.RLock(), bench.context.Queue()
    with lock:
        process = bench.start(work.release, lock, said)
        got = said.get(timeout=bench.long_s)
        must(got in ("AssertionError", "LockNotOwned"), f"It got {got}.")
    bench.join(process)


@promise("RWLock", "Process", "Queue")
def many_may_read_or_one_may_write(bench: Bench) -> None:
    """Its reader lets other readers in, and keeps a writer out."""
    lock = bench.context.RWLock()
    said, go = bench.context.Queue(), bench.context.Queue()
    process = bench.start(work.read, lock, said, go)
    must(said.get(timeout=bench.long_s) == "reading", "It said something else.")
    with lock.reader:
        pass
    must(not lock.writer.acquire(True, bench.moment_s), "It writes while another reads.")
    go.put("go")
    bench.join(process)
    with lock.writer:
        pass


PROMISES = (
    a_lock_keeps_others_out,
    acquire_waits_so_long,
    a_lock_that_is_free_cannot_be_released,
    anybody_may_release_a_lock,
    a_killed_owner_lets_others_in,
    an_owner_may_take_its_rlock_again,
    only_its_owner_may_release_an_rlock,
    many_may_read_or_one_may_write,
)
