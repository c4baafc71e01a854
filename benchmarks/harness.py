"""Starts the processes of one round, lets them go together, and collects what they saw.

Each process runs one *role*, a function ``role(clock, *arguments)`` that prepares
itself, calls ``clock.start()`` (which waits until all are ready), does its part,
calls ``clock.stop()``, and returns what it found after checking it. A round's
time is from the first start to the last stop, on the clock all processes share.
"""

from __future__ import annotations

import atexit
import multiprocessing
import multiprocessing.connection
import os
import signal
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeAlias

TIME_LIMIT_S = 60.0

Control: TypeAlias = "multiprocessing.connection.Connection[Any, Any]"


class WrongResult(AssertionError):
    """What arrived is not what was sent, or did not arrive in time: the figure is worth nothing."""


class Clock:
    """One process's view of the round: ready, go, done."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self.started = self.stopped = 0.0

    def start(self) -> None:
        """Says that this process is ready, waits for the others, and starts the time."""
        self._control.send(None)
        self._control.recv()
        self.started = time.perf_counter()

    def stop(self) -> None:
        """Stops the time; checks that cost something come after it."""
        self.stopped = time.perf_counter()


@dataclass(frozen=True)
class Role:
    """What one process does, on which CPU (None: anywhere), and whether it starts others."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    cpu: int | None = None
    has_children: bool = False


@dataclass(frozen=True)
class Report:
    """What one process saw."""

    started: float
    stopped: float
    value: Any


def play(context: Any, roles: list[Role]) -> tuple[float, list[Any]]:
    """Runs the roles at once; the round's seconds, and what each role returned.

    Raises:
        WrongResult: A role found a wrong message, died, or did not end in time.
    """
    processes: list[Any] = []
    controls: list[Control] = []
    try:
        for role in roles:
            # Made one by one: an earlier child that held a later one's end would hide its death.
            mine, theirs = multiprocessing.Pipe()
            controls.append(mine)
            process = context.Process(
                target=_run, args=(role, theirs), daemon=not role.has_children
            )
            process.start()
            processes.append(process)
            theirs.close()
        _collect(controls)
        for control in controls:
            control.send(None)
        reports = _collect(controls)
        for process in processes:
            process.join(TIME_LIMIT_S)
    finally:
        for role, process in zip(roles, processes, strict=False):  # fewer, if one did not start
            _end(role, process)
        for control in controls:
            control.close()
    seconds = max(r.stopped for r in reports) - min(r.started for r in reports)
    return seconds, [report.value for report in reports]


def _end(role: Role, process: Any) -> None:
    """At once; where it did not end by itself in order, with those that it has started."""
    if role.has_children and process.exitcode != 0:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.is_alive():
        process.kill()
    process.join()


def _collect(controls: list[Control]) -> list[Any]:
    """An answer from each, in their order; the first fault ends it, whoever still works."""
    answers: dict[Control, Any] = {}
    deadline = time.monotonic() + TIME_LIMIT_S
    while len(answers) < len(controls):
        waiting = [control for control in controls if control not in answers]
        ready = multiprocessing.connection.wait(waiting, deadline - time.monotonic())
        if not ready:
            raise WrongResult(f"a process did not answer within {TIME_LIMIT_S:.0f} s")
        for control in waiting:
            if control in ready:
                answers[control] = _receive(control)
    return [answers[control] for control in controls]


def _receive(control: Control) -> Any:
    try:
        answer = control.recv()
    except (EOFError, ConnectionResetError):
        raise WrongResult("a process ended without an answer") from None
    if isinstance(answer, str):
        raise WrongResult(answer)
    return answer


def _run(role: Role, control: Control) -> None:
    """In the child: plays the role and reports, an error as its traceback."""
    if role.has_children:
        os.setpgid(0, 0)
        atexit._clear()  # the parent's
    if role.cpu is not None:
        os.sched_setaffinity(0, {role.cpu})
    clock = Clock(control)
    try:
        value = role.function(clock, *role.arguments)
    except Exception:
        control.send(traceback.format_exc())
    else:
        control.send(Report(clock.started, clock.stopped, value))
    if role.has_children:
        atexit._run_exitfuncs()  # of libraries that clean up there: a child's end does not call it
