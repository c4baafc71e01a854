"""`make fuzz`: every target for its part of the time, guided by coverage, under the sanitizers.

What is found is kept as a file, with the command that tries it again; the exit status is then 1.
Inputs that led somewhere new are kept in build/fuzz/corpus, and a later campaign begins with them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import subprocess
import sys
from pathlib import Path

import atheris

from tests.fuzz.mutation import SIZE_MAX
from tests.fuzz.targets import TARGETS

PLACE = Path(__file__).resolve().parent.parent.parent / "build" / "fuzz"
FOUND = PLACE / "found"
INPUT_MAX_S = 10
MEMORY_MAX_MIB = 2048
START_MAX_S = 120  # the corpus of a target is tried before its time begins
SHOWN_LINES = 60


def environment() -> dict[str, str]:
    """The build for the fuzzer, and the runtime that it needs before all else.

    What CPython keeps to its end is no leak.
    """
    return {
        **os.environ,
        "PYTHONPATH": str(PLACE / "site"),
        "LD_PRELOAD": str(Path(atheris.path()) / "asan_with_fuzzer.so"),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:handle_abort=1",
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "PYTHONMALLOC": "malloc",  # so that the sanitizer sees the bounds of each object
    }


def corpus_of(name: str) -> Path:
    """The folder of a target's inputs, with those to begin with in it."""
    folder = PLACE / "corpus" / name
    folder.mkdir(parents=True, exist_ok=True)
    for data in TARGETS[name].seeds():
        file = folder / hashlib.sha1(data, usedforsecurity=False).hexdigest()
        if not file.exists():
            file.write_bytes(data)
    return folder


def fuzz(name: str, seconds: int, seed: int) -> int:
    """Fuzz a target.

    Returns:
        The exit status: 0 if nothing was found.
    """
    options = [
        f"-max_total_time={seconds}",
        f"-seed={seed}",
        f"-timeout={INPUT_MAX_S}",
        f"-rss_limit_mb={MEMORY_MAX_MIB}",
        f"-max_len={SIZE_MAX}",
        f"-artifact_prefix={FOUND}/{name}-",
        "-print_final_stats=1",
        "-verbosity=1",
    ]
    return run(name, [*options, str(corpus_of(name))], START_MAX_S + 2 * seconds + INPUT_MAX_S)


def run(name: str, options: list[str], bound_s: float) -> int:
    """Start one target; show how it ended."""
    command = [sys.executable, "-m", "tests.fuzz.guided", name, *options]
    try:
        done = subprocess.run(
            command,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=bound_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        print(f"{name}: not done after {bound_s:.0f} s; it hangs", flush=True)
        print(last_lines(error.output), flush=True)
        return 1
    failed = done.returncode != 0
    print(f"{name}: {'FOUND SOMETHING' if failed else 'nothing found'}")
    print(last_lines(done.stdout, SHOWN_LINES if failed else 6), flush=True)
    return done.returncode


def last_lines(output: bytes | None, count: int = SHOWN_LINES) -> str:
    lines = (output or b"").decode(errors="backslashreplace").splitlines()[-count:]
    return "\n".join(f"    {line[:300]}" for line in lines)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.campaign", description=__doc__)
    parser.add_argument("--seconds", type=int, default=60, help="for all targets together")
    parser.add_argument("--seed", type=int, default=random.randrange(1, 1 << 31))
    parser.add_argument("--target", choices=TARGETS, help="this one alone")
    parser.add_argument("--file", type=Path, help="an input of that target, tried once")
    asked = parser.parse_args()
    if asked.file and not (asked.target and asked.file.is_file()):
        parser.error("--file (FILE=) needs a file that is there, and --target (TARGET=)")
    return asked


def main() -> int:
    asked = arguments()
    if asked.file:
        options = [f"-timeout={INPUT_MAX_S}", str(asked.file.resolve())]
        return min(1, run(asked.target, options, START_MAX_S))
    names = [asked.target] if asked.target else list(TARGETS)
    FOUND.mkdir(parents=True, exist_ok=True)
    before = set(FOUND.iterdir())
    print(f"seed {asked.seed} (make fuzz SEED={asked.seed} TIME={asked.seconds})", flush=True)
    seconds = max(1, asked.seconds // len(names))
    ends = [fuzz(name, seconds, asked.seed) for name in names]
    for file in sorted(set(FOUND.iterdir()) - before):
        target = file.name.partition("-")[0]
        print(f"to try it again: make fuzz TARGET={target} FILE={file.relative_to(Path.cwd())}")
    return int(any(ends))


if __name__ == "__main__":
    sys.exit(main())
