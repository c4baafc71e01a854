"""Processes that die at a point of a protocol, and what is known of their lives.

Each keeps a diary, in a pipe of the standard library's that outlives it: what it wrote there,
it had done.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from typing import Any

from interlock.testing import kill_at, pause_at, resume, wait_ended, wait_stopped

LONG_S = 30.0  # what has not come by then never comes


@dataclass(frozen=True)
class Point:
    """A probe point, and how often to go by it first.

    Attributes:
        name: As in native/platform/probe.hpp; "" for nowhere.
        passes: How often to go by it.
        stop: Whether to be stopped there, and not killed.
    """

    name: str
    passes: int = 0
    stop: bool = False

    def arm(self) -> None:
        """From now on this process comes to it."""
        if self.name:
            (pause_at if self.stop else kill_at)(self.name, self.passes)


class Diary:
    """What a process writes about itself; one small number an entry."""

    def __init__(self, pipe: Connection[Any, Any]) -> None:
        self._pipe = pipe

    def write(self, number: int) -> None:
        """Say that it has done this, in one write of a few bytes: an entry is whole."""
        self._pipe.send_bytes(number.to_bytes(4, "little"))


class Doomed:
    """A process that plays a role: role(diary, point, *args) arms the point and goes on."""

    def __init__(
        self, context: Any, role: Callable[..., None], point: Point, *args: Any, arm: bool = True
    ) -> None:
        """Starts it. `arm`: before the role begins; otherwise the role does it itself."""
        self._reading, writing = Pipe(duplex=False)
        with writing:
            self.process = context.Process(target=_live, args=(role, point, writing, arm, args))
            self.process.start()
        self.pid: int = self.process.pid

    def wait_dead(self) -> None:
        """Until it is dead, and not waited for: a zombie, as others see it."""
        wait_ended(self.pid, LONG_S)

    def wait_stopped(self) -> None:
        """Until it has come to the point where it stops."""
        wait_stopped(self.pid, LONG_S)

    def go_on(self) -> None:
        """From where it was stopped."""
        resume(self.pid)

    def end(self) -> bool:
        """Wait for its end. Whether it died at the point; otherwise it came to its role's end.

        Raises:
            AssertionError: It failed.
        """
        self.process.join(LONG_S)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
            raise AssertionError(f"process {self.pid} neither died nor came to its end")
        assert code in (0, -signal.SIGKILL), f"process {self.pid} ended with {code}"
        return bool(code)

    def diary(self) -> list[int]:
        """All its entries, after its end."""
        entries = list(self._entries())
        self._reading.close()
        return entries

    def next_entry(self) -> int:
        """The next one it writes; waits for it."""
        assert self._reading.poll(LONG_S), f"process {self.pid} writes nothing"
        return int.from_bytes(self._reading.recv_bytes(), "little")

    def _entries(self) -> Iterator[int]:
        while True:
            try:
                yield int.from_bytes(self._reading.recv_bytes(), "little")
            except EOFError:
                return


@contextmanager
def doomed(
    context: Any, role: Callable[..., None], point: Point, *args: Any, arm: bool = True
) -> Iterator[Doomed]:
    """A Doomed that is gone at the end, whatever happens."""
    process = Doomed(context, role, point, *args, arm=arm)
    try:
        yield process
    finally:
        process.process.kill()
        process.process.join()


def _live(
    role: Callable[..., None],
    point: Point,
    pipe: Connection[Any, Any],
    arm: bool,
    args: tuple[Any, ...],
) -> None:
    diary = Diary(pipe)
    if arm:
        point.arm()
        role(diary, *args)
    else:
        role(diary, point, *args)
    os._exit(0)  # nothing of the interpreter's end belongs to the role
