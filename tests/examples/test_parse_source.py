"""The function that `make demo` maps, and the list of files it is mapped over."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from examples.parse_source import describe
from tests.cli.command import by_input, run_map

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "examples"

SOURCE = """\
import functools

class Outer:
    class Inner:
        @functools.cache
        @staticmethod
        def long(x):
            y = x
            return y

    async def short(self):
        return lambda: 1

def short(): pass
"""


def described(folder: Path, source: str | bytes) -> dict[str, object]:
    """What `describe` says of a source."""
    path = folder / "source.py"
    path.write_bytes(source if isinstance(source, bytes) else source.encode())
    return describe(str(path))


def test_classes_functions_and_lines_are_counted(tmp_path: Path) -> None:
    """Nested and asynchronous ones too; decorators belong to their function."""
    assert described(tmp_path, SOURCE) == {
        "lines": 14,
        "classes": 2,
        "functions": 3,
        "unparsable": 0,
        "longest_function": {"lines": 5, "name": "Outer.Inner.long"},
    }


def test_a_file_without_functions_has_no_longest(tmp_path: Path) -> None:
    """Not one of 0 lines."""
    assert described(tmp_path, "") == {"lines": 0, "classes": 0, "functions": 0, "unparsable": 0}


@pytest.mark.parametrize(
    "source",
    [
        "print 'Python 2'\n",
        b"# coding: no-such-coding\n",
        b"b\xf6se = 1\n",
        b"x = 1\0\n",
        "(" * 10_000,
        "-" * 200_000 + "1",
    ],
    ids=["syntax", "coding", "bytes", "null", "brackets", "deep"],
)
def test_a_file_that_cannot_be_parsed_is_a_finding(source: str | bytes, tmp_path: Path) -> None:
    """Not a failure: the standard library has some."""
    found = described(tmp_path, source)
    assert found["unparsable"] == 1
    assert found["lines"] == 1
    assert found["reason"]


def test_the_list_has_the_standard_library_only() -> None:
    """Every file of it once, and nothing that was installed beside it."""
    listed = subprocess.run(
        [sys.executable, EXAMPLES / "stdlib_sources.py"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(set(listed)) == len(listed) > 300
    assert f"{sysconfig.get_path('stdlib')}/ast.py" in listed
    assert not [path for path in listed if "-packages" in path]


def test_the_demo_on_a_few_files_ends_well(tmp_path: Path) -> None:
    """Exit status 0 with an unparsable file among them, and a table with the findings."""
    (tmp_path / "good.py").write_text(SOURCE)
    (tmp_path / "bad.py").write_text("print 'Python 2'\n")
    done = run_map(
        f"{EXAMPLES}/parse_source.py:describe", "--glob", "*.py", "--compare", cwd=tmp_path
    )
    assert done.returncode == 0
    assert by_input(tmp_path)["bad.py"]["result"]["unparsable"] == 1
    table = {line.strip().split("  ")[0]: line.split() for line in done.stdout.splitlines()}
    assert table["functions"][1] == "3"
    assert table["unparsable"][1] == "1"
    assert table["longest function"][2:] == ["5", "lines,", "Outer.Inner.long,", "in", "good.py"]
