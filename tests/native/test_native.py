"""The native tests, each of them on real threads and on the seeded scheduler.

`make test` says where they are to be by INTERLOCK_NATIVE_TESTS: one folder a variant (plain, with
sanitizers), separated by colons. They are built before the first of them is run, which takes
minutes in which other tests run. A test whose program is missing then fails; without the variable
all are skipped.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = ROOT / "native" / "tests"
NAMES = sorted(source.stem for source in SOURCES.glob("test_*.cpp"))
FOLDERS = [Path(folder) for folder in os.environ.get("INTERLOCK_NATIVE_TESTS", "").split(":")]
BUILD_S, TIMEOUT_S = 1200, 300
SHOWN = 20_000  # characters of a failed test's output, counted from its end


@pytest.fixture(scope="session")
def built() -> None:
    """They are, unless nobody says where."""
    if not FOLDERS[0].name:
        pytest.skip("INTERLOCK_NATIVE_TESTS is not set: `make test` builds the native tests")
    make = ["make", "--no-print-directory", "build/native.stamp"]
    made = subprocess.run(
        make, cwd=ROOT, timeout=BUILD_S, capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, (made.stdout + made.stderr)[-SHOWN:]


@pytest.mark.timeout(BUILD_S + TIMEOUT_S + 60)
@pytest.mark.usefixtures("built")
@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name or "not built")
@pytest.mark.parametrize("kind", ["concurrent", "systematic"])
@pytest.mark.parametrize("name", NAMES)
def test_native_program_passes(name: str, kind: str, folder: Path) -> None:
    """I1 to I6: each structure of the core keeps its invariants, whoever dies at which step."""
    program = folder / f"{name}_{kind}"
    if not program.exists():
        pytest.fail(f"{program} is missing; `make native-test` builds it")
    status, output = run(program)
    if status != 0:
        pytest.fail(f"{program} ended with status {status}:\n{output[-SHOWN:]}", pytrace=False)


def run(program: Path) -> tuple[int | str, str]:
    """Exit status and output; of a program that does not end, the stacks of its threads too."""
    process = subprocess.Popen(
        [program],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_S)
    except subprocess.TimeoutExpired:
        stacks = stacks_of(process.pid)
        # Its session: a test of deaths has children, which must not outlive it.
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        return f"none after {TIMEOUT_S} s", f"{output}\n{stacks}"
    return process.returncode, output


def stacks_of(pid: int) -> str:
    """Where each thread is, by the debugger where there is one."""
    if debugger := shutil.which("gdb"):
        command = [debugger, "-p", str(pid), "-batch", "-ex", "thread apply all backtrace"]
        shown = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return shown.stdout
    waits = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        waits.append(f"thread {task.name} waits in {(task / 'wchan').read_text() or 'user space'}")
    return "\n".join(waits)
