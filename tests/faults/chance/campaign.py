"""A campaign: processes put and take through one queue or pipe, and are killed at random moments.

Each one that is killed is replaced. Two threads of this process put and take too: the survivors,
whose operations are timed. At the end everything is taken, and the books must be right.
"""

from __future__ import annotations

import contextlib
import gc
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import interlock
from interlock.connection import wait
from tests.faults.chance import witness
from tests.faults.chance.audit import Books
from tests.faults.chance.crew import PUTTING, ROLES, STOP, Job, Member, Stop, work
from tests.faults.chance.ledger import Act, Entry, Ledger
from tests.faults.chance.witness import PATIENCE_S, Witness
from tests.faults.letters import Letter, write
from tests.faults.survivor import (
    GLANCE_S,
    check_pipe_sound,
    check_sound,
    promptly,
    receive_all,
    wait_swept,
)
from tests.left_behind import names_in_shared_memory

MAX_BYTES = 32 << 20
BETWEEN_KILLS_S = 0.02

# The roles of the processes of each way through the core; the survivors have the first of each.
WAYS = {
    "leases": ("put", "put", "lease", "lease"),
    "gets and leases": ("put", "put", "get", "lease"),
    "pipe": ("send", "send", "receive", "receive"),
}


@dataclass(frozen=True)
class Outcome:
    """How a campaign went.

    Attributes:
        kills: How many processes were killed.
        messages: How many puts returned.
        slowest_s: The longest operation of a survivor.
    """

    kills: int
    messages: int
    slowest_s: float


class Crew:
    """The processes that are killed and replaced."""

    def __init__(self, method: str, way: str, seed: int, folder: Path) -> None:
        self.killed: dict[str, int] = dict.fromkeys(ROLES, 0)  # threads
        self._context: Any = interlock.get_context(method)
        self._context.Process(target=int).start()  # what a method leaves running is there now
        self._wait_for_children()
        self._is_pipe = way == "pipe"
        self._roles = WAYS[way]
        self._seed = seed
        self._chance = random.Random(seed)
        self._folder = folder
        self._numbers = iter(range(1 << 20))
        self._members: dict[int, tuple[Job, Any]] = {}

    def _wait_for_children(self) -> None:
        for child in interlock.active_children():
            child.join(PATIENCE_S)

    def open(self) -> tuple[Any, ...]:
        """What they all use: a queue, or the two ends of a pipe."""
        if self._is_pipe:
            ends: tuple[Any, ...] = self._context.Pipe(max_bytes=MAX_BYTES)
            return ends if self._chance.random() < 0.5 else ends[::-1]
        return (self._context.Queue(max_bytes=MAX_BYTES),)

    def start(self, sources: tuple[Any, ...]) -> None:
        """All of them."""
        self._sources = sources
        for role in self._roles:
            self._start(role)

    def source(self, role: str) -> Any:
        """What a role uses."""
        return self._sources[0 if role in PUTTING else -1]

    def job(self, role: str, threads: int) -> Job:
        """A new one."""
        return Job(role, next(self._numbers), threads, self._seed, str(self._folder))

    def _start(self, role: str) -> None:
        job = self.job(role, self._chance.randint(1, 3))
        process = self._context.Process(target=work, args=(job, self.source(role)), daemon=True)
        process.start()
        self._members[process.sentinel] = (job, process)

    def kill_one(self) -> bool:
        """After a moment, if one has begun; now and then one that has not.

        Raises:
            AssertionError: One ended by itself.
        """
        wait_s = self._chance.expovariate(1 / BETWEEN_KILLS_S)
        for sentinel in wait(list(self._members), wait_s):
            job, process = self._members[sentinel]
            process.join()
            raise AssertionError(f"{job} ended by itself with {process.exitcode}")
        victims = [
            (sentinel, job, process)
            for sentinel, (job, process) in self._members.items()
            if self._chance.random() < 0.05 or (job.ledger.exists() and job.ledger.stat().st_size)
        ]
        if not victims:
            return False
        sentinel, job, process = self._chance.choice(victims)
        process.kill()
        process.join(PATIENCE_S)
        assert process.exitcode == -signal.SIGKILL, f"{job} ended with {process.exitcode}"
        process.close()
        del self._members[sentinel]
        self.killed[job.role] += job.threads
        self._start(job.role)
        return True

    def stop(self, putting: bool) -> int:
        """Let all that put, or all that take, come to their end. How many threads take."""
        threads = 0
        for job, _ in self._members.values():
            if (job.role in PUTTING) == putting:
                Stop(job.folder, job.role).give()
                threads += job.threads
        return threads

    def join(self, putting: bool) -> None:
        """Until they have come to their end.

        Raises:
            AssertionError: One is stuck, or failed.
        """
        for sentinel, (job, process) in list(self._members.items()):
            if (job.role in PUTTING) != putting:
                continue
            process.join(PATIENCE_S)
            assert process.exitcode == 0, f"{job} ended with {process.exitcode}"
            process.close()
            del self._members[sentinel]

    def abandon(self) -> None:
        """Whatever happened: none of them is left."""
        for _, process in self._members.values():
            with contextlib.suppress(ValueError):
                process.kill()
                process.join()


@contextmanager
def nothing_left() -> Iterator[None]:
    """Hold what is done within to leave no descriptor and no file in /dev/shm."""
    gc.collect()
    descriptors, files = open_descriptors(), names_in_shared_memory()
    yield
    gc.collect()
    assert open_descriptors() == descriptors, "descriptors have leaked, or gone"
    left = names_in_shared_memory() - files
    assert not left, f"left in /dev/shm: {left}"


def open_descriptors() -> dict[str, str]:
    """Of this process, with what they are."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(FileNotFoundError):  # that of the listing itself
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return found


def campaign(method: str, way: str, kills: int, seed: int) -> Outcome:
    """Kill so many processes of one kind, in one way through the core.

    Raises:
        AssertionError: A promise was broken.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-kills-") as name:
        folder = Path(name)
        crew = Crew(method, way, seed, folder)
        with nothing_left():
            try:
                return _campaign(crew, way, kills, folder)
            finally:
                crew.abandon()


def _campaign(crew: Crew, way: str, kills: int, folder: Path) -> Outcome:
    sources = crew.open()
    crew.start(sources)
    putting, taking = WAYS[way][0], WAYS[way][-1]
    takes = witness.receive if way == "pipe" else witness.lease
    ledgers, survivors = [], []
    for role, witness_of in ((putting, witness.put), (taking, takes)):
        job = crew.job(role, 1)
        ledgers.append(Ledger(job.ledger))
        member = Member(job, 0, ledgers[-1], crew.source(role))
        survivors.append(Witness(member, witness_of))
    killed = 0
    while killed < kills:
        killed += crew.kill_one()
        for survivor in survivors:
            survivor.check()
    crew.stop(putting=True)
    crew.join(putting=True)
    survivors[0].join()
    _take_the_rest(crew, sources, survivors[1], ledgers[1])
    for ledger in ledgers:
        ledger.close()
    books = Books.of(folder)
    books.check(crew.killed["get"] + crew.killed["receive"], crew.killed["lease"])
    for source in sources:
        source.close()
    slowest_s = max(survivor.slowest_s for survivor in survivors)
    return Outcome(killed, sum(books.put.values()), slowest_s)


def _take_the_rest(crew: Crew, sources: tuple[Any, ...], survivor: Witness, ledger: Ledger) -> None:
    if len(sources) == 1:
        (queue,) = sources
        deadline = time.monotonic() + PATIENCE_S
        while (now := promptly(queue.statistics)).ready or now.leased:
            assert time.monotonic() < deadline, f"messages stay: {now}"
            wait([], GLANCE_S)
        crew.stop(putting=False)
        crew.join(putting=False)
        survivor.join()
        wait_swept(queue)
        check_sound(queue)
        return
    sender, receiver = sources
    receivers = crew.stop(putting=False)
    survivor.join()  # or it would take what is for the others
    for number in range(receivers):
        sender.send(write(Letter(STOP, "0", number), 0))
    crew.join(putting=False)
    for letter in receive_all(receiver):
        assert letter.kind != STOP, "a receiver ended without being told"
        ledger.write(Entry(int(letter.writer), letter.number, Act.GOT, 0, 0))
    check_pipe_sound(receiver, sender, max_bytes=MAX_BYTES)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    print(campaign(arguments[0], arguments[1], int(arguments[2]), int(arguments[3])))
