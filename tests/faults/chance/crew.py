"""The processes of a campaign: each puts or takes, in some threads, until it is told to stop.

A process is told by files that appear in the campaign's folder: nothing that it shares with
the killed ones may be what ends it.
"""

from __future__ import annotations

import collections
import contextlib
import itertools
import os
import random
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy  # noqa: F401  (letters of arrays need it: a member is not to be killed while it loads)

from interlock.errors import Empty
from tests.faults.chance.ledger import Act, Entry, Ledger
from tests.faults.letters import Letter, read, write

SIZE_MIN = 10
SIZE_MAX = 4 << 20
KINDS = ("small", "note", "array", "raw")
GLANCE_S = 0.1
REFUSED_SHARE = 0.05
VIEWS = 3  # messages that a consumer goes on to look at
WRITERS = 8  # of a process, at the most: a thread has a writer's number of its own
STOP = "stop"  # the kind of a message that ends one receiver of a pipe

FAILED = 3  # the exit status of a process in which something was not as promised


class Refused(Exception):
    """Gives a lease back."""


@dataclass(frozen=True)
class Job:
    """What a process is to do.

    Attributes:
        role: One of ROLES.
        number: Which process of the campaign it is.
        threads: How many do it at once.
        seed: What its choices come from.
        folder: Where its ledger is, and where it finds that it is to stop.
    """

    role: str
    number: int
    threads: int
    seed: int
    folder: str

    @property
    def ledger(self) -> Path:
        """Where it writes."""
        return Path(self.folder) / f"{self.role}-{self.number}"


class Stop:
    """Whether to stop: a file that is there or not."""

    def __init__(self, folder: str, what: str) -> None:
        self._path = f"{folder}/stop-{what}"

    def give(self) -> None:
        """Tell everybody."""
        Path(self._path).touch()

    def given(self) -> bool:
        """Whether everybody was told."""
        return os.access(self._path, os.F_OK)


class Member:
    """One thread's work, and what it needs for it."""

    def __init__(self, job: Job, thread: int, ledger: Ledger, source: Any) -> None:
        self.source = source
        self.chance = random.Random(f"{job.seed} {job.number} {thread}")
        self.writer = job.number * WRITERS + thread
        self._thread = thread
        self._ledger = ledger
        self._stop = Stop(job.folder, job.role)

    def stops(self) -> bool:
        """Whether it has done enough."""
        return self._stop.given()

    def letter(self, number: int) -> tuple[Letter, Any]:
        """The next to put, of 10 bytes to 4 MiB: half of them have less than 6 KiB."""
        size = int(SIZE_MIN * (SIZE_MAX / SIZE_MIN) ** self.chance.random())
        letter = Letter(self.chance.choice(KINDS), str(self.writer), number)
        return letter, write(letter, size)

    def did(self, act: Act, letter: Letter, attempt: int = 0) -> None:
        """Write it down."""
        entry = Entry(int(letter.writer), letter.number, act, attempt, self._thread)
        self._ledger.write(entry)


def put(member: Member, put_one: Callable[[Any], object]) -> None:
    for number in itertools.count():
        if member.stops():
            return
        letter, message = member.letter(number)
        put_one(message)
        member.did(Act.PUT, letter)


def put_into_queue(member: Member) -> None:
    put(member, member.source.put)


def send(member: Member) -> None:
    put(member, member.source.send)


def get(member: Member) -> None:
    views: collections.deque[Any] = collections.deque(maxlen=VIEWS)
    while not member.stops():
        with contextlib.suppress(Empty):
            views.append(member.source.get(timeout=GLANCE_S))
            member.did(Act.GOT, read(views[-1]))


def lease(member: Member) -> None:
    views: collections.deque[Any] = collections.deque(maxlen=VIEWS)
    while not member.stops():
        with contextlib.suppress(Empty, Refused):
            with member.source.lease(timeout=GLANCE_S) as delivery:
                views.append(delivery.message)
                letter = read(delivery.message)
                if member.chance.random() < REFUSED_SHARE:
                    raise Refused
                member.did(Act.LEASED, letter, delivery.attempt)


def receive(member: Member) -> None:
    views: collections.deque[Any] = collections.deque(maxlen=VIEWS)
    while True:
        views.append(member.source.recv())
        letter = read(views[-1])
        if letter.kind == STOP:
            return
        member.did(Act.GOT, letter)


ROLES: dict[str, Callable[[Member], None]] = {
    "put": put_into_queue,
    "send": send,
    "get": get,
    "lease": lease,
    "receive": receive,
}
PUTTING = frozenset({"put", "send"})


def work(job: Job, source: Any) -> None:
    """The target of a process."""
    ledger = Ledger(job.ledger)
    threads = [
        threading.Thread(target=_hold_to, args=(Member(job, number, ledger, source), job.role))
        for number in range(job.threads)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _hold_to(member: Member, role: str) -> None:
    try:
        ROLES[role](member)
    except BaseException:
        traceback.print_exc()
        os._exit(FAILED)
