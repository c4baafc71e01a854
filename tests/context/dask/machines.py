"""A scheduler of Dask and workers, each a process of its own, as on machines of their own."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from interlock.context.dask import DaskContext

__all__ = ["BOUND_S", "Machines"]

BOUND_S = 30.0
_ROOT = Path(__file__).resolve().parent.parent.parent.parent
_numbers = itertools.count(1)
_SETTINGS = {
    "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1",
    "DASK_DISTRIBUTED__ADMIN__LOG_LENGTH": "0",
}


class Machines:
    """Starts them, and ends them with its block."""

    def __init__(self) -> None:
        self._end = contextlib.ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self.address = ""

    def __enter__(self) -> Machines:
        folder = Path(self._end.enter_context(tempfile.TemporaryDirectory()))
        told = folder / "scheduler.json"
        self._start(
            "scheduler",
            *("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"),
            *("--dashboard-address", "127.0.0.1:0", "--scheduler-file", str(told)),
        )
        ends = time.monotonic() + BOUND_S
        while not self.address:
            with contextlib.suppress(OSError, ValueError, KeyError):
                self.address = json.loads(told.read_text())["address"]
            assert time.monotonic() < ends, "the scheduler did not come up"
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait(BOUND_S)
        self._end.close()

    def start(self, *names: str) -> None:
        """Start workers of these names, without a nanny: one that is killed stays dead."""
        for name in names:
            self._start(
                name,
                *("distributed.cli.dask_worker", self.address, "--name", name, "--nthreads", "1"),
                *("--no-nanny", "--no-dashboard", "--host", "127.0.0.1"),
            )

    @contextlib.contextmanager
    def context(self, workers: int, patience: float = BOUND_S) -> Iterator[DaskContext]:
        """Connected, when there are so many workers."""
        self.start(*(f"{name}-{next(_numbers)}" for name in ["more"] * (workers - len(self.alive))))
        with DaskContext(self.address, patience=patience) as context:
            context.client.wait_for_workers(workers, timeout=BOUND_S)
            yield context

    @property
    def alive(self) -> dict[int, str]:
        """The names of the workers that live, by their pids."""
        return {
            process.pid: name
            for name, process in self._processes.items()
            if name != "scheduler" and process.poll() is None
        }

    def kill(self, name: str) -> None:
        """At once, and without a word."""
        self._processes[name].kill()
        self._processes[name].wait(BOUND_S)

    def _start(self, name: str, *module: str) -> None:
        path = os.pathsep.join([str(_ROOT), *filter(None, sys.path)])
        self._processes[name] = subprocess.Popen(
            [sys.executable, "-m", *module],
            env=os.environ | _SETTINGS | {"PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
