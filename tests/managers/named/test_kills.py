"""A server killed at random moments and started again: nothing lost, nothing twice (P2).

Clients go on meanwhile; they see nothing of it but a pause.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.managers.named import Connection
from tests.managers.named.processes import BOUND_S, ServerProcess

SEED = int(os.environ.get("INTERLOCK_SEED", "20261128"))
FEW, MANY = 5, 100
PAUSE_S = 0.02
LIFE_S = 0.6  # of a server that serves, at most


class Work:
    """Threads that change things until they are told to end, and know what was acknowledged."""

    def __init__(self, server: ServerProcess, connection: Connection) -> None:
        self._server = server
        self._connection = connection
        self._end = threading.Event()
        self.errors: list[str] = []
        self.appended: list[list[int]] = [[], []]
        self.put: list[int] = []
        self.taken: list[int] = []
        self.awaited: list[int] = []
        self.tokens: list[int] = []
        self.popped = self.visits = 0
        self._jobs = connection.queue("jobs", maxsize=50)
        self._threads = [
            threading.Thread(target=self._guard, args=(each,))
            for each in (
                lambda: self._append(0),
                lambda: self._append(1),
                self._produce,
                self._consume,
                self._lease,
                self._pop,
                self._lock,
                self._pipeline,
                lambda: asyncio.run(self._await()),
                self._come_and_go,
            )
        ]

    def _guard(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException:
            self.errors.append(traceback.format_exc())

    def _append(self, which: int) -> None:
        items = self._connection.list(f"list {which}")
        number = 0
        while not self._end.is_set():
            items.append(number)
            self.appended[which].append(number)
            number += 1

    def _produce(self) -> None:
        number = 0
        while not self._end.is_set():
            self._jobs.put(number)
            self.put.append(number)
            number += 1
        self._jobs.shutdown()

    def _consume(self) -> None:
        self.taken.extend(self._jobs)

    def _lease(self) -> None:
        mine, done = self._connection.queue("own"), self._connection.list("done")
        number = 0
        while not self._end.is_set():
            mine.put(number)
            with mine.lease() as delivery:
                assert delivery.message == number, (delivery.message, number)
                done.append(delivery.message)
            number += 1
        self.leased = number

    def _pop(self) -> None:
        shared = self._connection.dict("state")
        while not self._end.is_set():
            shared["x"] = self.popped
            assert shared.pop("x") == self.popped
            assert "x" not in shared
            self.popped += 1

    def _lock(self) -> None:
        lock = self._connection.lock("x")
        counter = self._connection.dict("counter").under(lock)
        while not self._end.is_set():
            with lock as token:
                counter["n"] = counter.get("n", 0) + 1
                self.tokens.append(token)

    def _pipeline(self) -> None:
        items = self._connection.list("many")
        self.rounds = 0
        while not self._end.is_set():
            with self._connection.client.pipeline():
                for number in range(20):
                    self._connection.client.call(
                        items._reference, "extend", [bytes([number])], None
                    )
            self.rounds += 1

    def _come_and_go(self) -> None:
        while not self._end.is_set():
            try:
                visitor = self._server.connect(absent_timeout=BOUND_S)
            except (ConnectionRefusedError, ConnectionResetError, TimeoutError):
                threading.Event().wait(PAUSE_S)  # who has no session yet is told, and tries again
                continue
            with visitor:
                visitor.list("visits").append(self.visits)
            self.visits += 1

    async def _await(self) -> None:
        async with self._connection.aio as there:
            items = there.list("awaited")
            while True:
                try:
                    await items.size()
                    break
                except (ConnectionRefusedError, ConnectionResetError, TimeoutError):
                    await asyncio.sleep(PAUSE_S)
            number = 0
            while not self._end.is_set():
                await items.append(number)
                self.awaited.append(number)
                number += 1

    def check(self) -> None:
        """After the end: what is there is what was acknowledged."""
        connection = self._connection
        for which in (0, 1):
            assert connection.list(f"list {which}").copy() == self.appended[which]
        assert connection.list("awaited").copy() == self.awaited
        assert connection.list("visits").copy() == list(range(self.visits))
        assert connection.list("done").copy() == list(range(self.leased))
        assert self.taken == self.put
        assert connection.dict("state").copy() == {}
        assert connection.dict("counter")["n"] == len(self.tokens)
        assert self.tokens == sorted(set(self.tokens))
        many = connection.client.call(connection.list("many")._reference, "part", None, None, None)[
            1
        ]
        assert many == [bytes([number]) for number in range(20)] * self.rounds

    def __enter__(self) -> Work:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join(BOUND_S)
        assert not self.errors, "\n".join(self.errors)
        assert not any(thread.is_alive() for thread in self._threads)


def kill_at_random(folder: Path, kills: int, seed: int) -> None:
    """Work, while the server is killed so often."""
    print(f"seed {seed}")
    chance = random.Random(seed)
    with ServerProcess(folder) as server, server.connect(absent_timeout=BOUND_S) as connection:
        with Work(server, connection) as work:
            for _ in range(kills):
                threading.Event().wait(chance.random() * LIFE_S)
                assert server.stop(signal.SIGKILL) == -signal.SIGKILL
                server.start()
            threading.Event().wait(LIFE_S)
        assert server.starts == kills + 1
        work.check()
        print(len(work.put), len(work.awaited), work.popped, work.rounds, work.visits)
        assert min(len(work.put), len(work.awaited), work.popped, work.rounds) > 0


def test_a_server_killed_some_times(tmp_path: Path) -> None:
    """Five random moments; `make faults` has a hundred, and more."""
    kill_at_random(tmp_path, FEW, SEED)


@pytest.mark.campaign
def test_a_server_killed_many_times(tmp_path: Path) -> None:
    """A hundred random moments."""
    kill_at_random(tmp_path, MANY, SEED + 1)
