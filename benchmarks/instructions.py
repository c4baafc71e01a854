"""Counts the machine instructions of the hot paths: `python -m benchmarks.instructions`.

Times waver by a third on a shared machine; instructions, counted by callgrind
with the hash seed and the address layout fixed, repeat to the last digit or
nearly so. `--write` records them in instructions.json, `--check` fails where
one has grown by more than 10 %. Counts hold for one build of the interpreter:
a control that has nothing of Interlock in it tells whether it is still that one.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .hot_paths import PATHS

HERE = Path(__file__).resolve().parent
RECORDED = HERE / "instructions.json"
CONTROL = "control: pickle a dict"
FEW, MANY = 1000, 3000  # the difference leaves out what starting the interpreter costs
GROWTH = 0.10
SAME_BUILD = 0.02
_COLLECTED = re.compile(r"Collected\s*:\s*(\d+)")


def missing_tools() -> list[str]:
    """The programs that counting needs and this machine lacks."""
    return [tool for tool in ("valgrind", "setarch") if shutil.which(tool) is None]


def count(path: str, few: int = FEW, many: int = MANY) -> int:
    """Instructions of one operation of the path."""
    return round((_total(path, many) - _total(path, few)) / (many - few))


def _total(path: str, operations: int) -> int:
    """All instructions of an interpreter that does so many operations."""
    command = [
        "setarch",
        "-R",
        "valgrind",
        "--tool=callgrind",
        "--callgrind-out-file=/dev/null",
        sys.executable,
        str(HERE / "hot_paths.py"),
        path,
        str(operations),
    ]
    # A clean environment: its size moves the stack.
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    fixed = {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C"}
    result = subprocess.run(
        command, env=kept | fixed, capture_output=True, text=True, timeout=300, check=False
    )
    found = _COLLECTED.search(result.stderr)
    if result.returncode != 0 or found is None:
        raise RuntimeError(
            f"Counting {path!r} failed with status {result.returncode}. "
            f"What callgrind said:\n{result.stderr[-2000:]}"
        )
    return int(found.group(1))


def build() -> str:
    """The interpreter that counts are recorded for."""
    return f"{sys.implementation.cache_tag}-{os.uname().machine}"


def grown(counts: dict[str, int], recorded: dict[str, int]) -> list[str]:
    """What has grown by more than GROWTH, in words."""
    return [
        f"{path}: {recorded[path]} -> {now} instructions ({now / recorded[path] - 1:+.0%})"
        for path, now in counts.items()
        if path in recorded and now > recorded[path] * (1 + GROWTH)
    ]


def main(arguments: list[str] | None = None) -> int:
    """The command; 1 when a count has grown, 2 when nothing can be counted."""
    parser = argparse.ArgumentParser(prog="benchmarks.instructions", description=__doc__)
    parser.add_argument("--check", action="store_true", help="exit 1 where a count grew by 10 %%")
    parser.add_argument("--write", action="store_true", help="record the counts")
    parser.add_argument("--only", nargs="+", choices=tuple(PATHS), default=tuple(PATHS))
    options = parser.parse_args(arguments)
    if lacking := missing_tools():
        print(f"Nothing counted: {' and '.join(lacking)} missing; `make deps` installs them.")
        return 2
    everything = json.loads(RECORDED.read_text("utf-8")) if RECORDED.exists() else {}
    recorded: dict[str, int] = everything.get(build(), {})
    counts = {}
    for path in options.only:
        counts[path] = count(path)
        print(f"{path:38} {counts[path]:>9}   recorded {recorded.get(path, '-')}", flush=True)
    if options.write:
        everything[build()] = recorded | counts
        text = json.dumps(everything, indent=1, sort_keys=True) + "\n"
        RECORDED.write_text(text, encoding="utf-8")
    return _verdict(counts, recorded) if options.check else 0


def _verdict(counts: dict[str, int], recorded: dict[str, int]) -> int:
    if not recorded:
        print(f"Nothing compared: no counts are recorded for {build()} (`--write` records them).")
        return 0
    before = recorded.get(CONTROL)
    now = counts.get(CONTROL) or count(CONTROL)
    if before is None or abs(now / before - 1) > SAME_BUILD:
        print(f"Nothing compared: another build of {build()} ({CONTROL}: {before} -> {now}).")
        return 0
    if unrecorded := [path for path in counts if path not in recorded]:
        print(f"Not compared, as nothing is recorded (`--write` does it): {'; '.join(unrecorded)}.")
    faults = grown(counts, recorded)
    for fault in faults:
        print(f"grown: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
