"""A program on the hub that uses a cluster of Dask, whose workers are on the other hosts."""

from __future__ import annotations

import json
import sys
from typing import Any

import interlock
from tests.hosts.programs.agent import answer

BOUND_S = 60.0


def on_worker(seen: Any, gate: Any, number: int) -> tuple[int, str]:
    """Says on which worker it runs, and waits."""
    from distributed import get_worker

    name = str(get_worker().name)
    seen.put((number, name))
    assert gate.wait(BOUND_S)
    return number, name


def hold(queue: Any, lock: Any, chosen: Any, gate: Any) -> None:
    """A message and a lock, for ever, if it is the one that is to have them."""
    assert chosen.wait(BOUND_S)
    lock.acquire()
    with queue.lease(BOUND_S):
        gate.wait()


class Program:
    """What the test asks of it."""

    def __init__(self, address: str) -> None:
        self.context: Any = interlock.get_context("dask", address=address)
        self.context.client.wait_for_workers(2, timeout=BOUND_S)
        self.seen, self.gate = self.context.Queue(), self.context.Event()
        self.queue, self.lock = self.context.Queue(), self.context.Lock()
        self.pool = self.context.Pool()
        self.result: Any = None

    def ready(self) -> list[str]:
        """The workers there are."""
        infos = self.context.client.scheduler_info(n_workers=-1)["workers"].values()
        return sorted(str(info["name"]) for info in infos)

    def begin(self, count: int) -> list[str]:
        """A map; the workers, when both are in the middle of it."""
        self.result = self.pool.starmap_async(
            on_worker, [(self.seen, self.gate, number) for number in range(count)], 1
        )
        names: set[str] = set()
        while len(names) < 2:
            names.add(self.seen.get(timeout=BOUND_S)[1])
        return sorted(names)

    def hold(self, worker: str) -> int:
        """A process on that worker has a message and a lock; its attempt."""
        self.queue.put("work")
        infos = self.context.client.scheduler_info(n_workers=-1)["workers"]
        while True:
            chosen, gate = self.context.Event(), self.context.Event()
            process = self.context.Process(target=hold, args=(self.queue, self.lock, chosen, gate))
            process.start()
            if str(infos[process.worker]["name"]) == worker:
                chosen.set()
                break
            process.kill()
            process.join(BOUND_S)
        while not (self.lock.locked() and self.queue.statistics().leased):
            process.join(0.05)
        return 1

    def finish(self) -> list[tuple[int, str]]:
        """Let the map go on to its end."""
        self.gate.set()
        found: list[tuple[int, str]] = self.result.get(BOUND_S)
        return found

    def take(self) -> tuple[str, int, bool]:
        """The message, the how manieth time it is given, and whether the lock is free."""
        import warnings

        with self.queue.lease(BOUND_S) as delivery, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return delivery.message, delivery.attempt, self.lock.acquire(timeout=BOUND_S)


if __name__ == "__main__":
    program = Program(**json.loads(sys.argv[1]))
    names = ("ready", "begin", "hold", "finish", "take")
    answer({name: getattr(program, name) for name in names})
