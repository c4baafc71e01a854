"""What a lock shows of itself, and how it travels."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from interlock.context.default import default_context
from interlock.testing.contract import contract, must
from interlock.testing.lock_contracts.turns import had, hold
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]


@contract("seen")
def owner_says_who_has_it(trial: Trial) -> None:
    """lock.owner names process, thread and moment, seen from any process; None when it is free."""
    lock = trial.make()
    must(lock.owner is None, "A new lock has an owner.")
    with lock:
        here = lock.owner
        must(here.pid == os.getpid(), f"It names process {here.pid}.")
        must(here.thread == threading.get_native_id(), f"It names thread {here.thread}.")
        must(abs(here.since.timestamp() - time.time()) < 1.0, f"It says since {here.since}.")
        must(trial.child(_owner, lock).result() == here.pid, "Another process sees another owner.")
    must(lock.owner is None, "A free lock has an owner.")
    (reading, taken), (over, writing) = trial.pipe(), trial.pipe()
    child = trial.child(hold, lock, taken, over)
    must(reading.poll(trial.rest_s()), "A child could not have a free lock.")
    there = lock.owner
    must(there.pid == child.pid, f"It names process {there.pid} instead of {child.pid}.")
    must(there.process == child.name, f"It names {there.process!r} instead of {child.name!r}.")
    writing.send(None)
    child.result()
    must(lock.owner is None, "A free lock has an owner.")


def _owner(lock: Any) -> int:
    pid: int = lock.owner.pid
    return pid


@contract("seen")
def waiters_says_who_waits(trial: Trial) -> None:
    """lock.waiters has a thread for as long as it waits, and no longer."""
    lock = trial.make()
    must(lock.waiters == (), "Somebody waits for a new lock.")
    with lock:
        thread, child = trial.thread(had, lock), trial.child(had, lock)
        thread.wait_asleep()
        child.wait_asleep()
        seen = {each.pid for each in lock.waiters}
        must(seen == {os.getpid(), child.pid}, f"The processes {seen} are said to wait.")
    thread.result()
    child.result()
    must(lock.waiters == (), "Somebody is said to wait for a free lock.")
    with lock:
        trial.thread(had, lock, 0.05).result()
        must(lock.waiters == (), "Who has given up is said to wait.")


@contract("travel")
def it_travels_in_a_message(trial: Trial) -> None:
    """Sent through a queue or a pipe it is the same lock where it arrives."""
    lock: Any = trial.make()
    queue: Any = default_context.Queue()
    receiver, sender = default_context.Pipe(duplex=False)
    try:
        for put, getter in ((queue.put, queue), (sender.send, receiver)):
            with lock:
                child = trial.child(_take_received, getter)
                put(lock)
                must(child.result() is False, "Another lock arrived.")
            child = trial.child(_take_received, getter)
            put(lock)
            must(child.result() is True, "It could not be had where it arrived.")
        queue.put(lock)
        must(queue.get() is lock, "Back at home it is another object.")
    finally:
        for each in (queue, receiver, sender):
            each.close()


def _take_received(source: Any) -> bool:
    lock = source.get() if hasattr(source, "get") else source.recv()
    return had(lock, 0.0)


CONTRACTS = (owner_says_who_has_it, waiters_says_who_waits, it_travels_in_a_message)
