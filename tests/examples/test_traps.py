"""The trap folders: `broken.py` is caught, and `fixed.py` is not, on each start method."""

from __future__ import annotations

import difflib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"
METHODS = ("fork", "spawn", "forkserver")
BOUND_S = 90.0

# What each program says in the end: lines that must be in its output.
BROKEN = {
    "killed_producer": (
        "Its messages that arrived: 0: LOST.",
        "Another producer's messages that arrived: 0 of 10.",
        "The other producer: STUCK.",
        "The consumer, in get(timeout=1): STUCK.",
    ),
    "killed_consumer": (
        "Message 0: LOST.",
        "Of the 3 messages put after that, another consumer got 0.",
    ),
    "killed_lock_holder": ("Of the 3 others, 0 had the lock within 4 seconds.",),
    "shared_pipe_end": (),
    "undrained_join": ("join(): STUCK for 4 seconds.",),
    "vanishing_segment": (
        "Of 3 programs, 1 found the memory, which was in use all the time.",
        "Its owner cannot unlink it: it is GONE.",
    ),
}
FIXED = {
    "killed_producer": (
        "Another producer's messages that arrived: 10 of 10.",
        "The other producer: ended.",
        "The consumer, in get(timeout=1): ended.",
    ),
    "killed_consumer": (
        "Message 0: delivered again, to another.",
        "Of the 3 messages put after that, another consumer got 3.",
    ),
    "killed_lock_holder": ("Of the 3 others, 3 had the lock within 4 seconds.",),
    "shared_pipe_end": (
        "40 of 40 messages arrived as they were sent.",
        "What came in place of the next: nothing.",
    ),
    "undrained_join": (
        "join(): back at once.",
        "The result, read after that, has 1048576 bytes.",
    ),
    "vanishing_segment": ("Of 3 programs, 3 found the memory, which was in use all the time.",),
}


@pytest.fixture(scope="module", params=sorted(BROKEN))
def trap(request: pytest.FixtureRequest) -> str:
    """The folder of a trap."""
    return str(request.param)


@pytest.fixture(scope="module")
def broken(trap: str) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """`broken.py` on every start method at once: most of its time it is stuck, as it should."""
    running = {
        method: subprocess.Popen(
            [sys.executable, EXAMPLES / trap / "broken.py", method],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for method in METHODS
    }
    yield running
    for process in running.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("method", METHODS)
def test_the_standard_library_is_trapped(
    trap: str, method: str, broken: dict[str, subprocess.Popen[str]]
) -> None:
    """Exit status 0 says that the trap was shown; the output says what happened."""
    out, err = broken[method].communicate(timeout=BOUND_S)
    assert broken[method].returncode == 0, out + err
    for line in BROKEN[trap]:
        assert line in out.splitlines()
    if trap == "shared_pipe_end":
        assert "40 of 40" not in out and " of 40 messages arrived" in out


@pytest.mark.parametrize("method", METHODS)
def test_interlock_is_not(trap: str, method: str) -> None:
    """P2 and P3: the same program, sound; on standard error it tells of a death, no more."""
    done = subprocess.run(
        [sys.executable, EXAMPLES / trap / "fixed.py", method],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if trap == "killed_lock_holder":
        assert done.stderr.count("AbandonedLockWarning") == 1, done.stderr
    else:
        assert done.stderr == ""
    for line in FIXED[trap]:
        assert line in done.stdout.splitlines()
    assert "STUCK" not in done.stdout and "LOST" not in done.stdout


def test_the_cure_is_the_import_line(trap: str) -> None:
    """P1: nothing else differs, but the exit status and, in one case, the lease."""
    differs = {line for line in changed_lines(trap) if not is_prose(line)}
    allowed = {
        "-import multiprocessing",
        "+import interlock as multiprocessing",
        "-    sys.exit(1 if sound else 0)",
        "+    sys.exit(0 if sound else 1)",
    }
    if trap == "vanishing_segment":
        allowed |= {
            "-from multiprocessing import shared_memory",
            "+from interlock import shared_memory",
        }
    if trap == "killed_consumer":
        allowed |= {
            "-    yield messages.get(timeout=timeout)",
            "+    with messages.lease(timeout) as delivery:",
            "+        yield delivery.message",
        }
    assert differs == allowed


def changed_lines(trap: str) -> list[str]:
    """The lines that differ between the two programs, with - or + before them."""
    broken, fixed = (
        (EXAMPLES / trap / name).read_text().splitlines() for name in ("broken.py", "fixed.py")
    )
    return list(difflib.unified_diff(broken, fixed, lineterm="", n=0))[2:]


def is_prose(line: str) -> bool:
    """Part of the docstring at the head, or a mark of diff itself, or empty."""
    text = line[1:].strip()
    return (
        line.startswith("@@")
        or not text
        or text.startswith(('"""', "python broken.py", "python fixed.py", "Exit status 0:"))
    )


def test_the_readme_shows_what_the_programs_say(trap: str) -> None:
    """Each line that is asserted here is in the text, too."""
    readme = (EXAMPLES / trap / "README.md").read_text()
    for line in (*BROKEN[trap], *FIXED[trap]):
        assert f"    {line}\n" in readme
