"""Holds the workers of a run at a known point, so that a test can kill them there.

The mapped function (`mapped.held`) calls; the test answers the call, knows the
worker's pid and its input, and lets it go on by hanging up.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

PATIENCE_S = 30.0


class Call:
    """A worker that waits inside the function."""

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        line.settimeout(PATIENCE_S)
        pid, self.input = line.makefile("r").readline().split()
        self.pid = int(pid)
        self.pidfd = os.pidfd_open(self.pid)

    def release(self) -> None:
        """Let the function return."""
        self._line.close()

    def kill(self, number: int = signal.SIGKILL) -> None:
        """Send a signal to the worker."""
        signal.pidfd_send_signal(self.pidfd, number)

    def gone(self, within_s: float = PATIENCE_S) -> bool:
        """Whether the worker ends within some time."""
        poll = select.poll()
        poll.register(self.pidfd, select.POLLIN)
        return bool(poll.poll(within_s * 1000))


class Switchboard:
    """Takes the calls of `mapped.held`."""

    def __init__(self, folder: Path, name: str = "switchboard") -> None:
        self.path = str(folder / name)
        self.environment = {"INTERLOCK_TEST_SWITCHBOARD": self.path}
        self._calls: list[Call] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.path)
        self._socket.listen()
        self._socket.settimeout(PATIENCE_S)

    def __enter__(self) -> Switchboard:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for call in self._calls:
            call.release()
            os.close(call.pidfd)
        self._socket.close()

    def answer(self) -> Call:
        """Wait for the next call."""
        call = Call(self._socket.accept()[0])
        self._calls.append(call)
        return call

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until it is so; of a file that another process writes nobody tells us."""
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, "it did not come to that"
            os.sched_yield()
