"""`interlock advise`: what it prints, its JSON, its picture, and its exit status."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BOUND_S = 60.0
WORK = """
import asyncio, threading

def waits(given):
    threading.Event().wait(0.02)
    return given

async def awaits(given):
    await asyncio.sleep(0.02)

def counts(given):
    print("counting", given)
    return sum(range(20000))

def raises(given):
    raise ValueError(given)
"""
FAST = ("--context", "thread", "--seconds", "3", "--workers", "8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the functions in it, and some inputs."""
    (tmp_path / "work.py").write_text(WORK)
    (tmp_path / "names.txt").write_text("".join(f"name {number}\n" for number in range(200)))
    return tmp_path


def advise(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "interlock", "advise", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


def test_it_says_in_plain_words_what_to_do_and_why(folder: Path) -> None:
    """The advice first, then the reasons, a line of code, and a table."""
    done = advise("work.py:waits", "a", "b", *FAST, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Use 8 threads: about ")
    assert "it waits" in done.stdout
    assert "interlock.pool.ThreadPool(8)" in done.stdout
    assert "times a loop" in done.stdout


def test_the_json_has_every_figure_and_a_picture_is_drawn(folder: Path) -> None:
    """The members of docs/guide/advise.md, and numbers that JSON has."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: `make test` does it")
    done = advise("work.py:counts", "--lines", "names.txt", "--json", "--plot", "speed.svg",
                  "--context", "fork", "--seconds", "3", cwd=folder)  # fmt: skip
    assert done.returncode == 0
    assert set(done.stderr.split()) >= {"counting", "name"}, "what the function prints"
    found = json.loads(done.stdout)
    kinds: dict[str, type | tuple[type, ...]] = {
        "schema": int, "function": str, "context": str, "workers": int, "batch": int,
        "speedup": float, "headline": str, "how": str, "reasons": list, "notes": list,
        "items": int, "calls": int, "call": dict, "travel": dict, "cores": int,
        "memory_bytes": int, "busy": float, "contexts": list, "trials": list, "curves": dict,
    }  # fmt: skip
    assert set(found) == set(kinds)
    assert all(isinstance(found[name], kind) for name, kind in kinds.items())
    assert (found["schema"], found["function"], found["items"]) == (1, "counts", 200)
    assert {"wall_s", "cpu_s", "gil_s", "waiting_s", "elsewhere_s"} <= set(found["call"])
    assert {"bytes_in", "bytes_out", "here_s", "there_s", "refused"} <= set(found["travel"])
    assert [each["context"] for each in found["contexts"]] == ["main", "fork"]
    point = found["curves"]["fork"][0]
    assert (point["workers"], set(point)) == (1, {"workers", "batch", "speedup", "limit"})
    assert all(math.isfinite(number) for number in _numbers(found))
    assert "<svg" in (folder / "speed.svg").read_text()[:1000]


def _numbers(value: Any) -> list[float]:
    if isinstance(value, dict):
        return [number for each in value.values() for number in _numbers(each)]
    if isinstance(value, list):
        return [number for each in value for number in _numbers(each)]
    return [value] if isinstance(value, (int, float)) else []


def test_the_function_may_close_what_it_prints_to(folder: Path) -> None:
    """The advice is printed all the same; and to a closed one nothing is, without a word."""
    (folder / "closing.py").write_text("def closes(given):\n    __import__('sys').stdout.close()\n")
    done = advise("closing.py:closes", "a", *FAST, cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Use ")
    command = [sys.executable, "-m", "interlock", "advise", "work.py:counts", "a", *FAST]
    quiet = subprocess.run(
        ["sh", "-c", '"$@" >&-', "sh", *command],
        cwd=folder, stderr=subprocess.PIPE, text=True, timeout=BOUND_S, check=False,
    )  # fmt: skip
    assert (quiet.returncode, quiet.stderr) == (0, "")


def test_a_coroutine_function_is_advised_too(folder: Path) -> None:
    """Though `interlock map` does not take one."""
    done = advise("work.py:awaits", "a", "--context", "fork", *FAST[2:], cwd=folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Use asyncio, with 8 calls at a time")


def test_ctrl_c_ends_it_at_once(folder: Path) -> None:
    """Exit status 130, one line, and no worker is left."""
    (folder / "endless.py").write_text(
        "import threading, os\n"
        "def waits(given):\n"
        "    os.write(2, b'begun\\n')\n"
        "    threading.Event().wait(60)\n"
    )
    running = subprocess.Popen(
        [sys.executable, "-m", "interlock", "advise", "endless.py:waits", "a"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    with running:
        assert running.stderr is not None
        assert running.stderr.readline() == "begun\n"
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=BOUND_S)
    assert (running.returncode, out, err) == (130, "", "interlock advise: stopped\n")


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        ([], 2, "FUNCTION is missing"),
        (["work.py:nothing", "a"], 2, "has no function nothing"),
        (["work.py:waits"], 2, "there is no input"),
        (["work.py:waits", "a", "--seconds", "soon"], 2, "--seconds soon: give a number above 0"),
        (["work.py:waits", "a", "--workers", "0"], 2, "--workers 0: give a whole number"),
        (["work.py:waits", "a", "--workers", "9999"], 2, "give a whole number from 1 to 1024"),
        (["work.py:waits", "a", "--items", "-1"], 2, "--items -1: give a whole number"),
        (["work.py:waits", "a", "--context", "ray"], 2, "--context ray: give thread, interp"),
        (["work.py:waits", "a", "--plot", "speed.txt"], 2, "a name that ends in .png or .svg"),
        (["work.py:waits", "a", "--plot", "no/speed.svg"], 2, "no is no folder that can be"),
        (["work.py:raises", "a", "b"], 1, "raises raised for every input"),
    ],
)
def test_wrong_use_is_told_in_a_line(
    arguments: list[str], status: int, said: str, folder: Path
) -> None:
    """Before anything is run, but for what only a run can tell."""
    done = advise(*arguments, cwd=folder)
    assert (done.returncode, done.stdout) == (status, "")
    assert said in done.stderr
    assert done.stderr.startswith("interlock advise: ")
    assert done.stderr.count("\n") == 1
