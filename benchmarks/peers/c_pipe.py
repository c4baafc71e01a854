"""A ping-pong over pipe(2) in C, compiled when first needed: the limit for small messages."""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

NAME = "C pipe(2)"
_SOURCE = Path(__file__).with_suffix(".c")


@functools.cache
def _program() -> str:
    compiler = os.environ.get("CC") or shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        raise RuntimeError("The C pipe ping-pong needs a C compiler. Install gcc, or set CC.")
    folder = tempfile.TemporaryDirectory(prefix="interlock-bench-")
    _kept.append(folder)
    program = str(Path(folder.name, "c_pipe"))
    subprocess.run([compiler, "-O2", "-o", program, str(_SOURCE)], check=True, timeout=60)
    return program


_kept: list[tempfile.TemporaryDirectory[str]] = []  # removed when the interpreter ends


def seconds(round_trips: int, cpus: Sequence[int | None]) -> float:
    """The time of so many round trips, with the two processes on these CPUs (None: anywhere)."""
    pins = [str(cpu) for cpu in cpus if cpu is not None]
    result = subprocess.run(
        [_program(), str(round_trips), *pins],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    return float(result.stdout)
