"""`interlock map --context ray`: the command line on a cluster."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.command import MAPPED, run_map


@pytest.fixture
def address(on_ray: Any) -> str:
    """Of the cluster; the test itself is here."""
    return str(on_ray.address)


def test_a_run_on_a_cluster_is_the_same_run(address: str, tmp_path: Path) -> None:
    """P8: the same lines, and a worker's death is tried again, and told."""
    (tmp_path / "words.txt").write_text("\n".join(["one", "three", "exit"]))
    done = run_map(
        f"{MAPPED}:sometimes_fatal", "--lines", "words.txt", "--context", "ray",
        "--address", address, "--no-progress", cwd=tmp_path,
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    found = {line["input"]: line for line in lines}
    assert {found[name]["result"] for name in ("one", "three")} == {"one", "three"}
    assert (found["exit"]["error"]["type"], found["exit"]["attempts"]) == ("WorkerDied", 2)
    assert "after 2 attempts" in found["exit"]["error"]["message"]


def test_what_is_a_clusters_alone_is_told_in_a_sentence(tmp_path: Path) -> None:
    """P6: before anything is started."""
    wrong = run_map("os.path:getsize", ".", "--address", "here:1", cwd=tmp_path)
    assert wrong.returncode == 2 and "give --context dask or --context ray" in wrong.stderr
    wrong = run_map(
        "os.path:getsize", ".", "--context", "ray", "--memory-limit", "1G", cwd=tmp_path
    )
    assert wrong.returncode == 2 and "set it there" in wrong.stderr
    dry = run_map("os.path:getsize", ".", "--context", "ray", "--dry-run", cwd=tmp_path)
    assert "workers: those of the cluster, by ray" in dry.stdout, dry.stderr
