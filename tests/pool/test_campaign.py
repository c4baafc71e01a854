"""A random worker is killed every 50 ms: every task ends once, with its result or its error (P6).

`make faults` goes through 20,000 tasks on each start method; `make test` through fewer.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter

import pytest

from interlock.context import BaseContext
from interlock.pool import Pool, ProcessPoolExecutor, WorkerDied
from interlock.shared_memory import AtomicInt, SharedArray
from tests.pool import work

EVERY_S = 0.05
SPAWN_EVERY_S = 0.25  # in the short one: a fresh interpreter takes longer than 50 ms to be ready
BOUND_S = 600.0
SHORT, LONG = 2_000, 20_000


class Killer:
    """Kills a random worker of a pool again and again, busy or idle."""

    def __init__(self, pool: Pool, seed: int, every_s: float = EVERY_S) -> None:
        self._pool = pool
        self._every_s = every_s
        self._random = random.Random(seed)
        self._over = threading.Event()
        self.kills = 0
        self._thread = threading.Thread(target=self._kill, name="killer")

    def __enter__(self) -> Killer:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()

    def _kill(self) -> None:
        while not self._over.wait(self._every_s):
            with self._pool._engine.lock:  # a pid is the worker's as long as the pool has it
                members = [m for m in self._pool._engine.members.values() if not m.is_dead]
                if members:
                    self._random.choice(members).signal(signal.SIGKILL)
                    self.kills += 1


def campaign(context: BaseContext, tasks: int, seed: int, every_s: float = EVERY_S) -> int:
    """Run so many tasks of four kinds; the number of kills."""
    ran = SharedArray((tasks,), "i4")
    with Pool(3, context=context) as pool, Killer(pool, seed, every_s) as killer:
        part = tasks // 4
        calls = [pool.apply_async(work.once, (ran, n)) for n in range(part)]
        lazy = pool.imap(work.Once(ran), range(part, 2 * part))
        mapped = pool.map_async(work.Once(ran), range(2 * part, 3 * part), 1, retries=50)
        gathered = pool.imap_unordered(work.Once(ran), range(3 * part, tasks), 7)
        outcomes: Counter[int] = Counter()
        died: Counter[int] = Counter()
        for number, call in enumerate(calls):
            try:
                outcomes[call.get(BOUND_S)] += 1
            except WorkerDied:
                died[number] += 1
        for number in range(part, 2 * part):
            try:
                value = lazy.next(BOUND_S)
                assert value == number
                outcomes[value] += 1
            except WorkerDied:
                died[number] += 1
        for value in mapped.get(BOUND_S):
            outcomes[value] += 1
        lost = 0
        for _ in range(3 * part, tasks):
            try:
                outcomes[gathered.next(BOUND_S)] += 1
            except WorkerDied:
                lost += 1
        with pytest.raises(StopIteration):
            gathered.next(BOUND_S)
    assert set(outcomes.values()) == {1}, "a result came twice"
    assert set(died.values()) <= {1}
    assert not set(outcomes) & set(died)
    assert sum(outcomes.values()) + sum(died.values()) + lost == tasks
    assert sum(died.values()) + lost <= killer.kills, "a kill cost more than a task"
    with_chunks = [*range(part), *range(part, 2 * part), *range(3 * part, tasks)]
    assert all(ran.array[n] == 1 for n in with_chunks if n in outcomes)
    return killer.kills


def seed_of(name: str) -> int:
    """INTERLOCK_SEED, or a new one; printed."""
    seed = int(os.environ.get("INTERLOCK_SEED", random.SystemRandom().randrange(1 << 32)))
    print(f"repeat: INTERLOCK_SEED={seed} {name}")
    return seed


def test_every_task_ends_once(context: BaseContext) -> None:
    """P6: a short one."""
    every_s = SPAWN_EVERY_S if context.get_start_method() == "spawn" else EVERY_S
    assert campaign(context, SHORT, seed_of("test_every_task_ends_once"), every_s) > 0


@pytest.mark.campaign
def test_each_of_twenty_thousand_tasks_ends_once(context: BaseContext) -> None:
    """P6: the one that was promised."""
    kills = campaign(context, LONG, seed_of("test_each_of_twenty_thousand_tasks_ends_once"))
    print(f"{context.get_start_method()}: {LONG} tasks, {kills} kills")


def test_an_executor_under_fire(context: BaseContext) -> None:
    """P6: the same for futures, which retry until they are done."""
    seed = seed_of("test_an_executor_under_fire")
    counter = AtomicInt()
    with ProcessPoolExecutor(3, context, retries=100) as executor:
        with Killer(executor, seed):  # type: ignore[arg-type]
            futures = [executor.submit(work.counted, counter, n) for n in range(600)]
            assert [f.result(BOUND_S) for f in futures] == list(range(600))
    assert counter.load() >= 600
