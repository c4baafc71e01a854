"""A process on another build of Interlock, in which a test's scenarios run.

The build with crash points cannot be loaded beside the one under test. So a test names a
function (of its own module, by import) and this process calls it: on the build with crash
points, or on the release, as its PYTHONPATH says. Its children die there; it survives.
"""

from __future__ import annotations

import contextlib
import faulthandler
import multiprocessing
import os
import signal
import subprocess
import sys
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import Any, TypeVar

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
BOUND_S = 60.0  # for one scenario; a stall is found long before

R = TypeVar("R")


class Stage:
    """The test's half: starts the process, and calls functions there."""

    def __init__(self, build: Path | None) -> None:
        """On the build installed in the folder; None for the one that runs this."""
        self._build = build
        self._process: subprocess.Popen[bytes] | None = None
        self._line: Connection[Any, Any] | None = None

    def run(self, scenario: Callable[..., R], *args: Any, bound_s: float = BOUND_S) -> R:
        """Call `scenario` over there; what it raises fails the test, with its traceback."""
        line = self._line if self._line is not None else self._start()
        line.send((scenario, args))
        if not line.poll(bound_s):
            self.close(stacks=True)
            pytest.fail(f"no answer within {bound_s:g} s; the stacks are on stderr", pytrace=False)
        try:
            failure, result = line.recv()
        except EOFError:
            status = self.close()
            pytest.fail(f"the process of the scenario ended with status {status}", pytrace=False)
        if failure is not None:
            pytest.fail(failure, pytrace=False)
        answer: R = result
        return answer

    def _start(self) -> Connection[Any, Any]:
        self._line, theirs = Pipe()
        folders = [str(self._build), str(ROOT)] if self._build is not None else [*sys.path]
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.stage", str(theirs.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, folders))},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        return self._line

    def close(self, stacks: bool = False) -> int | None:
        """End the process and all its children."""
        if self._process is None or self._line is None:
            return None
        if stacks:  # then every process of the session tells its stacks
            os.killpg(self._process.pid, signal.SIGCONT)
            os.killpg(self._process.pid, signal.SIGUSR1)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(1)
        else:
            self._line.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        with contextlib.suppress(ProcessLookupError):  # all of them have ended
            os.killpg(self._process.pid, signal.SIGKILL)
        status = self._process.wait()
        self._line.close()
        self._process = self._line = None
        return status


def serve(line: Connection[Any, Any]) -> None:
    """This process's half: call what is asked for, until the test hangs up."""
    while True:
        try:
            scenario, args = line.recv()
        except EOFError:
            return
        answer: tuple[str | None, Any]
        try:
            answer = (None, scenario(*args))
        except BaseException as error:
            text = "".join(traceback.format_exception(error))
            answer = (f"{scenario.__name__}{args!r} on {interlock.__file__}:\n{text}", None)
        line.send(answer)


if __name__ == "__main__":
    import interlock

    faulthandler.register(signal.SIGUSR1, all_threads=True)
    multiprocessing.set_forkserver_preload(["__main__", "pytest"])  # as tests/conftest.py
    serve(Connection(int(sys.argv[1])))
