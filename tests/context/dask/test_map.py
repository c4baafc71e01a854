"""`interlock map --context dask`: the command line on a cluster."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

from tests.cli.command import BOUND_S, MAPPED, run_map, start_map
from tests.context.dask.machines import Machines


def test_a_run_on_a_cluster_is_the_same_run(machines: Machines, tmp_path: Path) -> None:
    """P8: the same lines; what kills its workers is told, and the others go on."""
    with machines.context(workers=3):
        words = ["one", "three", "exit", "five"]
        (tmp_path / "words.txt").write_text("\n".join(words))
        done = run_map(
            f"{MAPPED}:sometimes_fatal", "--lines", "words.txt", "--context", "dask",
            "--address", machines.address, "--retries", 0, "--workers", 1, "--no-progress",
            cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    found = {line["input"]: line for line in lines}
    assert {*found} == {*words}
    assert {found[name]["result"] for name in words if name != "exit"} == {*words} - {"exit"}
    assert found["exit"]["error"]["type"] == "WorkerDied"


def test_a_function_reaches_workers_that_have_not_its_file(
    machines: Machines, tmp_path: Path
) -> None:
    """P8: what is in the file travels with the function."""
    (tmp_path / "own.py").write_text("BASE = 7\ndef longer(text):\n    return BASE + len(text)\n")
    with machines.context(workers=1):
        done = run_map(
            "own.py:longer", "ab", "abc", "--context", "dask", "--address", machines.address,
            "--timeout", 30, "--no-progress", cwd=tmp_path,
        )  # fmt: skip
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert sorted(line["result"] for line in lines) == [9, 10]


def test_ctrl_c_stops_a_run_on_a_cluster_of_its_own(tmp_path: Path) -> None:
    """What was finished is written; the workers, which are sent it too, are not disturbed."""
    (tmp_path / "own.py").write_text(
        "import threading\ndef slow(text):\n    threading.Event().wait(0.1)\n    return text\n"
    )
    process = start_map(
        "own.py:slow", *range(500), "--context", "dask", "--workers", 1, "--no-progress",
        cwd=tmp_path,
    )  # fmt: skip
    results = tmp_path / "results.jsonl"
    ends = time.monotonic() + BOUND_S
    while not (results.exists() and results.read_text()):
        assert time.monotonic() < ends and process.poll() is None, "nothing was done"
    os.killpg(process.pid, signal.SIGINT)
    _, told = process.communicate(timeout=BOUND_S)
    assert process.returncode == 130, told
    assert told.endswith("--resume goes on from there\n"), told
    assert "Traceback" not in told
