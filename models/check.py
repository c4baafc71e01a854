"""Lets spin explore every interleaving of the models: `python -m models.check`.

Each model is explored with nobody dying and nobody looking around by himself, where a lost
wake-up is a deadlock; with nobody dying and all looking; and with one process that dies at any
step. Source: spin(1).
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
MODELS = tuple(sorted(path.stem for path in FOLDER.glob("*.pml")))
Run = tuple[str, Mapping[str, int]]
LARGE: tuple[Run, ...] = (
    ("semaphore", {"DEATHS": 0, "LOOKS": 1}),
    ("semaphore", {"DEATHS": 1, "PLACES": 2}),
)
# What is explored by `make models`: values of the model's own #defines.
RUNS: tuple[Run, ...] = (
    ("owned_lock", {"DEATHS": 0}),
    ("owned_lock", {"DEATHS": 0, "LOOKS": 1}),
    ("owned_lock", {"DEATHS": 1}),
    ("condition", {"DEATHS": 0}),
    ("condition", {"DEATHS": 0, "LOOKS": 1, "MADE": 1}),
    ("condition", {"DEATHS": 1}),
    ("semaphore", {"DEATHS": 0}),
    ("semaphore", {"DEATHS": 1, "N": 2}),
    *LARGE,
)
DEPTH = 1_000_000  # steps of the longest path
MEMORY_MB = 4096


@dataclass(frozen=True)
class Explored:
    """What spin found in a model."""

    states: int
    errors: int
    unreached: tuple[str, ...]  # steps that no interleaving comes to
    trail: str  # the steps to the first error, "" when there is none

    @property
    def holds(self) -> bool:
        """Whether every state was looked at and nothing was wrong in any."""
        return self.errors == 0


def explore(model: str, defines: Mapping[str, int]) -> Explored:
    """Explore a model's states.

    Args:
        model: The text of the model, in Promela.
        defines: Values of its #defines; of DEATHS, how many processes die: 0 or 1.

    Raises:
        RuntimeError: spin or the compiler refuses the model, or memory does not suffice for it.
    """
    with tempfile.TemporaryDirectory(prefix="interlock-model-") as folder:
        work = Path(folder)
        (work / "model.pml").write_text(model, encoding="utf-8")
        defined = [f"-D{name}={value}" for name, value in defines.items()]
        _run(work, "spin", *defined, "-a", "model.pml")
        # The dead never end, so an end that is none is looked for by the models' overseers (-E).
        _run(work, "cc", "-O1", "-w", "-DSAFETY", f"-DMEMLIM={MEMORY_MB}", "-o", "pan", "pan.c")
        told = _run(work, "./pan", "-E", f"-m{DEPTH}", "-w24")
        if ("Search not completed" in told and "errors: 0" in told) or "max search depth" in told:
            raise RuntimeError(f"the search is not complete:\n{told[-3000:]}")
        errors = _number(r"errors: (\d+)", told)
        trail = _run(work, "spin", *defined, "-t", "-p", "-g", "model.pml") if errors else ""
        unreached = re.findall(r"^\tmodel\.pml:(\d+), state \d+, \"(.*)\"$", told, re.MULTILINE)
        steps = tuple(f"{line}: {step}" for line, step in unreached)
        return Explored(_number(r"(\d+) states, stored", told), errors, steps, trail)


def read(name: str) -> str:
    """The text of a model of this folder."""
    return (FOLDER / f"{name}.pml").read_text(encoding="utf-8")


def _run(work: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(
            f"{' '.join(command)}: exit {done.returncode}\n{done.stdout}{done.stderr}"
        )
    return done.stdout


def _number(pattern: str, text: str) -> int:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"no {pattern!r} in what spin printed:\n{text}")
    return int(found[1])


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when all models hold, else 1 with the steps to the error."""
    parser = argparse.ArgumentParser(prog="models.check", description=__doc__)
    parser.add_argument("models", nargs="*", metavar="MODEL", help=", ".join(MODELS))
    names = parser.parse_args(arguments).models or MODELS
    if unknown := sorted(set(names) - set(MODELS)):
        parser.error(f"no model {', '.join(unknown)}; there are {', '.join(MODELS)}")
    fine = True
    for name, defines in RUNS:
        if name not in names:
            continue
        began = time.monotonic()
        explored = explore(read(name), defines)
        took = time.monotonic() - began
        with_what = ", ".join(f"{define} {value}" for define, value in defines.items())
        verdict = "holds" if explored.holds else "DOES NOT HOLD"
        print(f"{name}, {with_what}: {verdict} in {explored.states:,} states, {took:.0f} s")
        if not explored.holds:
            print(explored.trail)
            fine = False
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
