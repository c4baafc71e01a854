"""Runs `interlock map` in a process of its own, as a user does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

MAPPED = Path(__file__).with_name("mapped.py")
BOUND_S = 60.0  # no run of these tests takes longer, on however slow a machine


def command(*arguments: object) -> list[str]:
    """The command line of `interlock map`."""
    return [sys.executable, "-m", "interlock", "map", *map(str, arguments)]


def run_map(
    *arguments: object, cwd: Path, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    done = subprocess.run(
        command(*arguments), cwd=cwd, input=stdin, capture_output=True, timeout=BOUND_S, check=False
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def start_map(
    *arguments: object, cwd: Path, stdin: Any = None, **environment: str
) -> subprocess.Popen[str]:
    """Start it in a session of its own, so that a test may signal it as a terminal does."""
    return subprocess.Popen(
        command(*arguments),
        cwd=cwd,
        stdin=stdin,
        # A shell that runs the tests in the background has Ctrl-C ignored; a terminal has not.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_until_it_reads(process: subprocess.Popen[str]) -> None:
    """Until there is the thread that reads inputs, and Python is through its own start."""
    with suppress(psutil.NoSuchProcess):
        while process.poll() is None and psutil.Process(process.pid).num_threads() < 2:
            os.sched_yield()


def results(cwd: Path, name: str = "results.jsonl") -> list[dict[str, Any]]:
    """The lines of the results file."""
    return [json.loads(line) for line in (cwd / name).read_text("utf-8").splitlines()]


def by_input(cwd: Path) -> dict[str, dict[str, Any]]:
    """The lines of the results file by input; each input has exactly one."""
    lines = results(cwd)
    found = {line["input"]: line for line in lines}
    assert len(found) == len(lines), "an input has more than one line"
    return found
