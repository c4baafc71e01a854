"""The trap of `pickle`: `broken.py` runs the sender's command, and `fixed.py` does not."""

from __future__ import annotations

import difflib
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent.parent / "examples" / "pickle_runs_commands"
BOUND_S = 60.0
SAID = {
    "broken.py": (
        "They were loaded, and became 0.",
        "The command 'ls -lh > listing': RAN.",
    ),
    "fixed.py": (
        "They were refused: The pickle names 'posix', 'system', which is not allowed.",
        "The command 'ls -lh > listing': was not run.",
    ),
}


@pytest.mark.parametrize("program", SAID)
def test_it_shows_what_the_readme_says(program: str) -> None:
    """P4: exit status 0 says that it was shown."""
    done = subprocess.run(
        [sys.executable, FOLDER / program],
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert tuple(done.stdout.splitlines()) == SAID[program]
    readme = (FOLDER / "README.md").read_text()
    assert all(f"    {line}\n" in readme for line in SAID[program])


def test_the_cure_is_another_loader() -> None:
    """Nothing else differs but the exit status and what the head says."""
    broken, fixed = ((FOLDER / name).read_text().splitlines()[6:] for name in SAID)
    differs = [
        line for line in difflib.unified_diff(broken, fixed, lineterm="", n=0)
        if line[:1] in "+-" and line[1:].strip() and line[:3] not in ("---", "+++")
    ]  # fmt: skip
    assert differs == [
        "+from interlock.serialize import load_pickle",
        "-    return pickle.loads(data)",
        '+    return load_pickle(data)  # a class of your own needs allow=("module:Picture",)',
        "-    sys.exit(1 if sound else 0)",
        "+    sys.exit(0 if sound else 1)",
    ]
