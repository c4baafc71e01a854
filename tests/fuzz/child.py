"""Fuzzes one target in this process: `python -m tests.fuzz.child TARGET --seed N --count N`.

By chance alone, and so the same again for the same seed; `tests.fuzz.guided` looks further. A
crash or a hang ends the process; the input is in the file `--kept` all the same, for it is there
before it is tried. Prints what came of the inputs, as JSON; the exit status is 0 only if nothing
was found.
"""

from __future__ import annotations

import argparse
import faulthandler
import itertools
import json
import mmap
import os
import random
import re
import resource
import signal
import struct
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.fuzz.mutation import SIZE_MAX, mutated
from tests.fuzz.planted import PLANTED
from tests.fuzz.targets import TARGETS, Target

INPUT_MAX_S = 10.0
KNOWN_MAX = 3000
FOUND = 3
WORDS = 16  # of an outcome, by which it is told from others; quoted ones are the input's
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|\$\S*")


class Kept:
    """The input that is being tried, in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        with path.open("w+b") as file:
            file.truncate(8 + SIZE_MAX)
            self._memory = mmap.mmap(file.fileno(), 8 + SIZE_MAX)

    def put(self, data: bytes) -> None:
        self._memory[8 : 8 + len(data)] = data
        self._memory[:8] = struct.pack("<Q", len(data))

    @staticmethod
    def read(path: Path) -> bytes:
        """What a process, which may have died, tried last."""
        memory = path.read_bytes()
        (size,) = struct.unpack_from("<Q", memory)
        return memory[8 : 8 + size]


class Inputs:
    """Those to begin with, each as it is; then damaged ones, also of those that led to new ends."""

    def __init__(self, target: Target, seed: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._target, self._chance = target, random.Random(seed)
        self._known = target.seeds()

    def __iter__(self) -> Iterator[bytes]:
        yield from list(self._known)
        while True:
            yield mutated(self._known, self._chance, self._target.steps)

    def came(self, data: bytes, outcome: str) -> None:
        """A new outcome is worth another look, with more damage."""
        sort = " ".join(re.findall("[A-Za-z_]+", _QUOTED.sub("", outcome))[:WORDS])
        self.outcomes[sort] += 1
        if self.outcomes[sort] == 1 and len(self._known) < KNOWN_MAX:
            self._known.append(data)


def bounded(memory_mib: int) -> None:
    """A hang ends the process, after its stack is shown; so does a flood, by MemoryError."""
    faulthandler.enable()
    faulthandler.register(signal.SIGALRM, chain=True)
    if memory_mib:
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + (memory_mib << 20),) * 2)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def tried(target: Target, data: bytes, bound_s: float = INPUT_MAX_S) -> str:
    """What came of one input, within the time.

    Raises:
        Exception: A finding.
    """
    signal.setitimer(signal.ITIMER_REAL, bound_s)
    try:
        return target.read(data)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def fuzz(target: Target, asked: argparse.Namespace, kept: Kept | None) -> Counter[str]:
    """Try so many inputs.

    Raises:
        Exception: A finding; its input is in the file.
    """
    inputs = Inputs(target, asked.seed)
    bounded(asked.memory)
    for data in itertools.islice(inputs, asked.count):
        if kept is not None:
            kept.put(data)
        inputs.came(data, tried(target, data, asked.bound))
    return inputs.outcomes


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.child", description=__doc__)
    parser.add_argument("target", choices=[*TARGETS, *PLANTED])
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--count", type=int, required=True, help="how many inputs")
    parser.add_argument("--memory", type=int, default=0, help="MiB beyond those at the beginning")
    parser.add_argument(
        "--bound", type=float, default=INPUT_MAX_S, help="seconds that one input may take"
    )
    parser.add_argument("--kept", type=Path, help="where the input is while it is tried")
    return parser.parse_args()


def main() -> int:
    asked = arguments()
    target = {**TARGETS, **PLANTED}[asked.target]
    kept = None if asked.kept is None else Kept(asked.kept)
    with tempfile.TemporaryDirectory() as folder:  # where an input that reaches code would write
        os.chdir(folder)
        try:
            outcomes = fuzz(target, asked, kept)
        except Exception:
            traceback.print_exc()
            return FOUND
    json.dump(outcomes, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
