"""A C extension is built against the wheel, as its authors build it, and runs with it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Environment, run

pytestmark = pytest.mark.packaging
EXAMPLE = ROOT / "examples" / "c_extension"
TRAVEL = """
import sys; sys.path.insert(0, sys.argv[1])
import matrices, interlock.serialize
sent = matrices.SharedMatrix(1, 2, memoryview(bytes(16)).cast("d"))
print(interlock.serialize.loads(interlock.serialize.dumps(sent)) == sent)
"""


def test_cmake_finds_the_header_of_an_installed_wheel(
    wheel: Path, empty: Environment, tmp_path: Path
) -> None:
    """P7: find_package, the header, and the capsule of the core that was installed."""
    empty.install("--no-deps", str(wheel))
    tools, build, python = Path(sys.executable).parent, tmp_path / "build", empty.bin / "python"
    ninja = ["-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={tools / 'ninja'}"]
    target = [f"-DPython_EXECUTABLE={python}", f"-DCMAKE_INSTALL_PREFIX={tmp_path / 'there'}"]
    target += ["-DCMAKE_EXPORT_COMPILE_COMMANDS=ON"]
    run([str(tools / "cmake"), "-S", str(EXAMPLE), "-B", str(build), *ninja, *target])
    run([str(tools / "cmake"), "--build", str(build), "--target", "install"])
    commands = (build / "compile_commands.json").read_text(encoding="utf-8")
    assert re.search(f"-isystem {re.escape(str(empty.bin.parent))}/lib/\\S+/include", commands)
    told = run([str(python), "-I", "-c", TRAVEL, str(tmp_path / "there")]).stdout
    assert told == "True\n"
