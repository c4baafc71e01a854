"""`import interlock`, `python -m interlock`: the top of the package."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import interlock

PACKAGE = Path(interlock.__file__).resolve().parent
PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"
IMPORT = f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r}); import interlock; "


def python(*arguments: str) -> str:
    """What it prints, having ended well and said nothing on standard error."""
    done = subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def refusal(patch: str) -> str:
    """What the import says in an interpreter that was changed first."""
    code = f"import os, sys\n{patch}\ntry:\n    import interlock\n" + (
        "except ImportError as error: print(type(error).__name__, error, sep=': ')"
    )
    return python("-c", code).strip()


def test_the_version_is_the_project_s() -> None:
    """One place has it: pyproject.toml."""
    found = re.search(r'^version = "(.+?)"', PROJECT.read_text("utf-8"), re.MULTILINE)
    assert found is not None
    assert interlock.__version__ == found.group(1)


def test_an_import_needs_the_standard_library_alone() -> None:
    """P1: without site-packages and environment, a queue still works."""
    code = IMPORT + "q = interlock.Queue(); q.put(['whole']); print(q.get())"
    assert python("-S", "-E", "-c", code) == "['whole']\n"


def test_the_package_runs_as_the_command() -> None:
    """`python -m interlock` is the command line."""
    assert "Usage: interlock" in python("-m", "interlock", "--help")


def test_freeze_support_does_nothing_here() -> None:
    """P1: programs written for other systems too call it."""
    interlock.freeze_support()


def test_an_old_kernel_is_refused_in_one_sentence() -> None:
    """It names the kernel found and the one needed."""
    said = refusal(
        "def refused(pid, flags=0): raise OSError(38, os.strerror(38))\nos.pidfd_open = refused"
    )
    assert re.fullmatch(
        r"UnsupportedPlatform: Interlock needs Linux 5\.3 .*Linux \d+\..*not implemented", said
    )


def test_an_interpreter_from_an_old_system_is_not_refused() -> None:
    """Its `os` lacks the call; the kernel need not."""
    assert refusal("del os.pidfd_open") == ""


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_another_system_is_refused_in_one_sentence(platform: str) -> None:
    """It names Linux and what was found."""
    said = refusal(f"sys.platform = {platform!r}")
    assert re.fullmatch(f"UnsupportedPlatform: Interlock needs Linux .*'{platform}'", said)
