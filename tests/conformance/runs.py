"""Runs the classes of the redirected tests, a few at a time, each in a process of its own.

Each is the leader of a process group. When it has ended, nothing of the group may
be left, nor anything in its directory for temporary files. One that takes too long
prints the stacks of all its processes (they abort under faulthandler) and is killed.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from tests.conformance.executors import NAME as EXECUTORS
from tests.conformance.redirect import Subject

ROOT = Path(__file__).parents[2]
RUN_CLASS = (sys.executable, "-m", "tests.conformance.run_class")
BOUND_S = 240.0  # no class takes a third of it on a machine that has nothing else to do
GRACE_S = 10.0  # for helper processes, which end when they see that their program has


@dataclass(frozen=True)
class Case:
    """A class of tests: its module, which says the start method, and its name."""

    module: str
    name: str

    @property
    def is_of_executors(self) -> bool:
        """Whether it tests executors, not multiprocessing."""
        return self.module.split(".")[0] == EXECUTORS

    def __str__(self) -> str:
        if self.is_of_executors:
            return f"futures-{self.name}"  # a path with it has to be short, see `suite.py`
        return f"{self.module.removeprefix('test_multiprocessing_')}-{self.name}"


@dataclass
class Outcome:
    """What became of a class: by test, and of the process that ran it."""

    case: Case
    passed: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    log: str = ""

    @property
    def total_s(self) -> float:
        """The whole time that the tests took."""
        return sum(self.seconds.values())


class Suite:
    """The directory with the redirected tests, and how a process is started on them."""

    def __init__(self, directory: Path, subject: Subject, modules: Iterable[str]) -> None:
        self.directory = directory
        self.modules = tuple(modules)
        places = (directory, ROOT, subject.location)
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join(map(str, places)),
            "PYTHONFAULTHANDLER": "1",
        }

    def classes(self) -> dict[Case, list[str]]:
        """The classes of the modules, and the names of their tests; nothing of them is run."""
        done = subprocess.run(
            [*RUN_CLASS, "list", *self.modules],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            timeout=BOUND_S,
            check=True,
        )
        found = json.loads(done.stdout)
        return {
            Case(module, name): tests
            for module, classes in found.items()
            for name, tests in sorted(classes.items())
            if tests
        }


class Run:
    """A class of tests under way."""

    def __init__(self, suite: Suite, case: Case, excluded: Sequence[str]) -> None:
        self.case = case
        self._directory = suite.directory / str(case)
        self._temporary = self._directory / "tmp"
        self._temporary.mkdir(parents=True)
        self._results = self._directory / "results"
        self._log = self._directory / "log"
        self.deadline = time.monotonic() + BOUND_S
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [*RUN_CLASS, "run", case.module, case.name, str(self._results), *excluded],
                cwd=self._temporary,
                env=suite.environment | {"TMPDIR": str(self._temporary)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pidfd = os.pidfd_open(self._process.pid)

    def kill(self) -> None:
        """End the whole group; Python processes print their stacks first."""
        for wanted in (signal.SIGABRT, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):  # it has just ended by itself
                os.killpg(self._process.pid, wanted)
            psutil.wait_procs(self._group(), timeout=GRACE_S)

    def close(self) -> None:
        """Kill what is left of it and give its handles back."""
        self.kill()
        self._process.wait()
        os.close(self.pidfd)

    def outcome(self) -> Outcome:
        """What became of it, once its first process has ended or its time is over."""
        timed_out = self._process.poll() is None
        left = [] if timed_out else psutil.wait_procs(self._group(), timeout=GRACE_S)[1]
        left_names = [_described(process) for process in left]
        self.close()
        outcome = self._results_of_tests(timed_out)
        outcome.log = self._log.read_text("utf-8", "replace")
        if left:
            outcome.failed["processes"] = f"left behind after {GRACE_S:g} s: {left_names}"
        if files := sorted(path.name for path in self._temporary.iterdir()):
            outcome.failed["files"] = f"left behind in the directory for temporary files: {files}"
        return outcome

    def _results_of_tests(self, timed_out: bool) -> Outcome:
        outcome = Outcome(self.case)
        lines = self._results.read_text("utf-8").splitlines() if self._results.exists() else []
        under_way: dict[str, float] = {}
        ended = False
        for line in map(json.loads, lines):
            what, test, detail = line["what"], line["test"], line["detail"]
            if what == "started":
                under_way[test] = line["at"]
                continue
            if test in under_way:
                outcome.seconds[test] = line["at"] - under_way.pop(test)
            match what:
                case "passed":
                    outcome.passed.append(test)
                case "skipped":
                    outcome.skipped[test] = detail
                case "failed":
                    outcome.failed[test] = "\n".join(
                        filter(None, (outcome.failed.get(test), detail))
                    )
                case "end":
                    ended = True
                    if detail:
                        outcome.failed[test] = detail
        if not ended:
            how = f"not done after {BOUND_S:g} s" if timed_out else "ended its process"
            status = f"{how} (exit status {self._process.returncode})"
            outcome.failed |= dict.fromkeys(under_way or [self.case.name], status)
        return outcome

    def _group(self) -> list[psutil.Process]:
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(ProcessLookupError, psutil.NoSuchProcess):
                if os.getpgid(process.pid) == self._process.pid:
                    if process.status() != psutil.STATUS_ZOMBIE:
                        found.append(process)
        return found


class Runs:
    """Runs cases in the order given, so that who asks for them in that order waits least."""

    def __init__(
        self, suite: Suite, cases: Mapping[Case, Sequence[str]], *, at_once: int = 2
    ) -> None:
        """Start nothing yet.

        Args:
            suite: the tests.
            cases: the classes to be run, and for each the tests that are not.
            at_once: processes at the same time; the tests measure time, so not more than cores.
        """
        self._suite = suite
        self._waiting = dict(cases)
        self._running: list[Run] = []
        self._done: dict[Case, Outcome] = {}
        self._at_once = at_once

    def outcome(self, case: Case) -> Outcome:
        """Go on until the case is done.

        Raises:
            KeyError: it was not among those to be run.
        """
        while case not in self._done:
            self._start_more()
            if not self._running:
                raise KeyError(f"{case} was not to be run")
            self._wait_for_one()
        return self._done[case]

    def close(self) -> None:
        """Stop what is running."""
        while self._running:
            self._running.pop().close()

    def _start_more(self) -> None:
        while self._waiting and len(self._running) < self._at_once:
            case = next(iter(self._waiting))
            self._running.append(Run(self._suite, case, self._waiting.pop(case)))

    def _wait_for_one(self) -> None:
        poll = select.poll()
        for run in self._running:
            poll.register(run.pidfd, select.POLLIN)
        first = min(run.deadline for run in self._running)
        poll.poll(max(0.0, first - time.monotonic()) * 1000)
        ended = [
            run
            for run in self._running
            if select.select([run.pidfd], [], [], 0)[0] or run.deadline <= time.monotonic()
        ]
        for run in ended:
            self._running.remove(run)
            self._done[run.case] = run.outcome()


def _described(process: psutil.Process) -> str:
    try:
        return f"{process.pid} {' '.join(process.cmdline())}"
    except psutil.NoSuchProcess:
        return f"{process.pid}, which has just ended"
