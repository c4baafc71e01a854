"""The survivors of a campaign: threads that put or take, and time what they do (P3)."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

from interlock.errors import Empty
from tests.faults.chance.crew import Member
from tests.faults.chance.ledger import Act
from tests.faults.letters import read
from tests.faults.survivor import GLANCE_S, STALL_S, promptly

PATIENCE_S = 20.0  # for what has no promise: a process's start, and its end


class Witness:
    """A thread of this process that does the same as a process of the crew."""

    def __init__(self, member: Member, role: Callable[[Witness, Member], None]) -> None:
        self.slowest_s = 0.0
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._live, args=(member, role), daemon=True)
        self._thread.start()

    def _live(self, member: Member, role: Callable[[Witness, Member], None]) -> None:
        try:
            role(self, member)
        except BaseException as error:
            self._failure = error

    def timed(self, operation: Callable[..., Any], *args: Any, **how: Any) -> Any:
        """Do it, promptly."""
        begun = time.monotonic()
        try:
            return promptly(operation, *args, **how)
        finally:
            self.slowest_s = max(self.slowest_s, time.monotonic() - begun)

    def check(self) -> None:
        """Raise what it met."""
        if self._failure is not None:
            raise self._failure

    def join(self) -> None:
        """Wait for its end."""
        self._thread.join(PATIENCE_S)
        self.check()
        assert not self._thread.is_alive(), "a survivor is stuck"


def put(witness: Witness, member: Member) -> None:
    operation = getattr(member.source, "put", None) or member.source.send
    for number in itertools.count():
        if member.stops():
            return
        letter, message = member.letter(number)
        witness.timed(operation, message)
        member.did(Act.PUT, letter)


def lease(witness: Witness, member: Member) -> None:
    """From a queue. What is in it is found within a second."""
    found_at = time.monotonic()
    while not member.stops():
        try:
            delivery = witness.timed(member.source.lease(timeout=GLANCE_S).__enter__)
        except Empty:
            if witness.timed(member.source.qsize) == 0:
                found_at = time.monotonic()
            assert time.monotonic() - found_at < STALL_S, "there is something, and it is not found"
            continue
        member.did(Act.LEASED, read(delivery.message), delivery.attempt)
        witness.timed(delivery.acknowledge)
        found_at = time.monotonic()


def receive(witness: Witness, member: Member) -> None:
    """From a pipe, in which others may be quicker."""
    while not member.stops():
        if witness.timed(member.source.poll, GLANCE_S):
            with contextlib.suppress(Empty):
                member.did(Act.GOT, read(witness.timed(member.source._recv_nowait)))
