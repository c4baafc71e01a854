"""The wheel that users get: what it holds, where it goes, what it needs."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT, Environment, run

pytestmark = pytest.mark.packaging
NOTHING_BESIDE_IT = "--no-deps"


@pytest.fixture
def extension(wheel: Path, tmp_path: Path) -> Path:
    """The one extension module in the wheel, unpacked."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if ".so" in name]
        return Path(archive.extract(name, tmp_path))


def test_auditwheel_accepts_it_as_manylinux(wheel: Path) -> None:
    """It runs on other Linux systems than the one it was built on."""
    assert "manylinux" in wheel.name
    report = run([sys.executable, "-m", "auditwheel", "show", str(wheel)]).stdout
    accepted = re.search(r'platform tag:\s+"(manylinux\w+)"', report)
    assert accepted is not None, report
    assert accepted.group(1) in wheel.name


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    """No tests, no sources of the core, no extension for another interpreter."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
    of_package = [name for name in names if name.startswith("interlock/")]
    of_metadata = [name for name in names if re.match(r"interlock-[\d.]+\.dist-info/", name)]
    assert sorted(names) == sorted(of_package + of_metadata)
    kinds = {name.rpartition(".")[2] for name in of_package}
    assert kinds <= {"py", "pyi", "so", "typed", "h", "cmake"}
    sources = {p.relative_to(ROOT / "src").as_posix() for p in ROOT.glob("src/**/*.py")}
    assert sources <= set(of_package)
    assert "interlock/py.typed" in names
    assert any(name.endswith("licenses/LICENSE") for name in of_metadata)


def test_the_core_needs_no_other_package(wheel: Path) -> None:
    """Whatever is required is required by an extra."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    required = metadata.get_all("Requires-Dist") or []
    assert [line for line in required if "extra ==" not in line] == []


def test_the_extension_needs_the_c_library_alone(extension: Path) -> None:
    """libstdc++ is inside: a system with an older one can load it."""
    dynamic = run(["readelf", "--dynamic", "--wide", str(extension)]).stdout
    needed = set(re.findall(r"\(NEEDED\).*\[(.*?)\.so", dynamic))
    loader = {name for name in needed if name.startswith("ld-linux")}
    assert needed - loader <= {"libc", "libm", "libgcc_s"}


def test_a_release_has_no_crash_point_in_it(extension: Path) -> None:
    """Probe points compile to nothing: not even their names are there."""
    probes = (ROOT / "native" / "platform" / "probe.hpp").read_text(encoding="utf-8")
    names = re.findall(r'"([a-z_]+\.[a-z_]+)"', probes)
    assert names, "probe.hpp lists no points any more: look for them elsewhere"
    content = extension.read_bytes()
    assert [name for name in names if name.encode() + b"\0" in content] == []


def test_it_installs_and_imports_in_an_empty_environment(wheel: Path, empty: Environment) -> None:
    """What is imported is the installed package, of the version that was built."""
    empty.install(NOTHING_BESIDE_IT, str(wheel))
    told = empty.python(
        "import importlib.metadata, interlock, interlock._native as native\n"
        "print(interlock.__file__)\n"
        "print(native.PROBES)\n"
        "print(interlock.__version__ == importlib.metadata.version('interlock'))\n"
    )
    place, probes, same_version = told.split()
    assert Path(place).is_relative_to(empty.bin.parent)
    assert (probes, same_version) == ("False", "True")


def test_the_command_without_its_extra_says_what_to_install(
    wheel: Path, empty: Environment
) -> None:
    """One sentence instead of a traceback."""
    empty.install(NOTHING_BESIDE_IT, str(wheel))
    result = subprocess.run(
        [empty.bin / "interlock", "--help"], capture_output=True, text=True, timeout=60, check=False
    )
    assert result.returncode != 0
    assert "interlock[cli]" in result.stderr
    assert len(result.stderr.splitlines()) == 1
