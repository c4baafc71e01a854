"""The C extension of examples/c_extension, built once by the commands that its README shows."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

EXAMPLE = Path(__file__).resolve().parent.parent.parent / "examples" / "c_extension"
BUILD_S = 100.0


@pytest.fixture(scope="session")
def matrices_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the built module, by the lines of the README that need only a compiler."""
    if shutil.which("cc") is None:
        pytest.skip("there is no C compiler here")
    folder = tmp_path_factory.mktemp("matrices")
    shutil.copytree(EXAMPLE / "src", folder / "src")
    readme = (EXAMPLE / "README.md").read_text()
    commands = re.findall(r"^    \$ ((?:interlock=|python=|cc ).*)$", readme, re.MULTILINE)
    assert len(commands) == 3, commands
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        ["sh", "-ec", "\n".join(commands).replace("cc ", "cc -Wall -Wextra -Wpedantic -Werror ")],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        timeout=BUILD_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return folder


@pytest.fixture(scope="session")
def matrices(matrices_folder: Path) -> Iterator[Any]:
    """The module; the processes that are started find it too, by the path they inherit."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(matrices_folder))
        yield importlib.import_module("matrices")
