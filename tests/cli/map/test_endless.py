"""Input without end: it streams through, in bounded memory, and is answered as it comes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.cli.command import BOUND_S, MAPPED, by_input, start_map, wait_until_it_reads

SILENT = ["--lines", "-", "--out", "-", "--no-progress"]


@pytest.fixture
def yes() -> Iterator[subprocess.Popen[bytes]]:
    """A program that says y for ever."""
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as process:
        yield process
        process.kill()


@pytest.mark.parametrize("options", [[], ["--ordered"], ["--batch", "50"]])
def test_endless_input_takes_bounded_memory(
    options: list[str], yes: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """What 120,000 inputs take is what 40,000 take; then nobody reads any more, and it ends."""
    process = start_map(f"{MAPPED}:length", *SILENT, *options, cwd=tmp_path, stdin=yes.stdout)
    assert process.stdout is not None
    sizes = []
    for inputs in (40_000, 80_000):
        for _ in range(inputs):
            assert process.stdout.readline().startswith('{"input": "y", "result": 1, ')
        sizes.append(psutil.Process(process.pid).memory_info().rss)
    assert sizes[1] - sizes[0] < 8 << 20
    process.stdout.close()
    assert process.wait(BOUND_S) == 1
    assert process.stderr is not None
    assert process.stderr.read().startswith("interlock map: nobody reads the results any more")
    process.stderr.close()


@pytest.mark.parametrize("options", [[], ["--ordered"]])
def test_each_line_is_answered_though_no_other_follows(options: list[str], tmp_path: Path) -> None:
    """Few and many at a time, when the pool has learnt how short the function is."""
    process = start_map(f"{MAPPED}:same", *SILENT, *options, cwd=tmp_path, stdin=subprocess.PIPE)
    assert process.stdin is not None and process.stdout is not None
    for turn in range(40):
        sent = [f"{turn}-{number}" for number in range((1, 700, 3, 40)[turn % 4])]
        process.stdin.write("".join(f"{line}\n" for line in sent))
        process.stdin.flush()
        got = [json.loads(process.stdout.readline())["input"] for _ in sent]
        assert (got if options else sorted(got)) == (sent if options else sorted(sent))
    _, err = process.communicate(timeout=BOUND_S)
    assert (process.returncode, err) == (0, "")


def test_ctrl_c_ends_endless_input(yes: subprocess.Popen[bytes], tmp_path: Path) -> None:
    """Exit status 130, and each line is whole."""
    process = start_map(f"{MAPPED}:length", *SILENT, cwd=tmp_path, stdin=yes.stdout)
    assert process.stdout is not None
    process.stdout.readline()
    os.killpg(process.pid, signal.SIGINT)
    rest = process.stdout.read()  # not communicate(), which skips what readline() has read ahead
    _, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 130
    assert rest.endswith("\n") and all(json.loads(line) for line in rest.splitlines())
    assert err.startswith("interlock map: stopped; ") and err.count("\n") == 1


def test_ctrl_c_while_nothing_has_come_yet(tmp_path: Path) -> None:
    """Standard input is silent: there is nothing to resume, and no file."""
    process = start_map(f"{MAPPED}:length", "--lines", "-", cwd=tmp_path, stdin=subprocess.PIPE)
    wait_until_it_reads(process)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 130
    assert err == "interlock map: stopped\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (b"no json", "line 3 of standard input is not JSON"),
        (b'"\xff"', "line 3 of standard input is not UTF-8"),
    ],
)
def test_what_is_wrong_in_the_middle_is_said_when_it_is_read(
    bad: bytes, said: str, tmp_path: Path
) -> None:
    """Those before it are done, and written; exit status 2."""
    process = start_map(f"{MAPPED}:same", "--jsonl", "-", cwd=tmp_path, stdin=subprocess.PIPE)
    assert process.stdin is not None
    process.stdin.buffer.write(b'"a"\n"b"\n' + bad + b'\n"c"\n')  # type: ignore[attr-defined]
    _, err = process.communicate(timeout=BOUND_S)
    assert process.returncode == 2
    assert f"--jsonl -: {said}" in err
    assert "2 inputs are done, their results are in results.jsonl; --resume goes on" in err
    assert sorted(by_input(tmp_path)) == ["a", "b"]


def test_standard_input_without_a_line_is_no_input(tmp_path: Path) -> None:
    """Told when its end has come; nothing is written."""
    process = start_map(f"{MAPPED}:length", "--lines", "-", cwd=tmp_path, stdin=subprocess.DEVNULL)
    out, err = process.communicate(timeout=BOUND_S)
    assert (process.returncode, out) == (2, "")
    assert err == (
        "interlock map: --lines -: that gives no input; give a source with at least one\n"
    )
    assert list(tmp_path.iterdir()) == []
