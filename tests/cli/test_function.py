"""FUNCTION: found by module or file, and each way it cannot be is said in a sentence."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.cli.map.work.function import load
from interlock.cli.usage import Unusable
from tests.cli.command import MAPPED


@pytest.fixture(autouse=True)
def imports_undone() -> Iterator[None]:
    """What a test imports is gone after it."""
    path, modules = sys.path[:], set(sys.modules)
    yield
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        del sys.modules[name]


def test_a_function_is_found_in_a_module() -> None:
    """`module:name`, and its result is the function's."""
    assert load("os.path:basename")("/a/b") == "b"


def test_a_function_is_found_in_a_file() -> None:
    """`file.py:name`."""
    assert load(f"{MAPPED}:length")("abc") == 3


def test_a_method_of_a_class_is_found() -> None:
    """`module:Class.method`."""
    assert str(load("datetime:date.fromisoformat")("2020-02-29")) == "2020-02-29"


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    """Its folder comes first in sys.path, as when Python runs it."""
    (tmp_path / "neighbour_of_mapped.py").write_text("answer = 42\n")
    (tmp_path / "asks.py").write_text("import neighbour_of_mapped as n\ndef f(x): return n.answer")
    assert load(f"{tmp_path}/asks.py:f")("") == 42


def test_a_file_with_the_name_of_a_module_does_not_replace_it(tmp_path: Path) -> None:
    """A user's json.py is not imported by those who ask for json."""
    import json

    (tmp_path / "json.py").write_text("def f(x): return x")
    assert load(f"{tmp_path}/json.py:f")("x") == "x"
    assert sys.modules["json"] is json


def test_a_file_that_is_loaded_already_is_not_run_again(tmp_path: Path) -> None:
    """A forked worker finds what its parent has loaded, under whichever name."""
    for name in ("counts_runs", "json"):
        (tmp_path / f"{name}.py").write_text(
            "runs = []\ndef f(x): runs.append(x); return len(runs)"
        )
        assert [load(f"{tmp_path}/{name}.py:f")("x") for _ in range(2)] == [1, 2]


def test_a_function_travels_by_its_name() -> None:
    """So it need not be picklable itself."""
    again = pickle.loads(pickle.dumps(load(f"{MAPPED}:length")))
    assert again("abc") == 3


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("describe", "write module:name or file.py:name"),
        (":describe", "write module:name or file.py:name"),
        ("module:", "write module:name or file.py:name"),
        ("absent.py:f", f"no such file: {os.getcwd()}/absent.py"),
        ("folder/module:f", "no such file"),
        ("absent_module:f", "there is no module absent_module; install it, or give a file"),
        ("os.absent:f", "there is no module os.absent"),
        ("os.path:basenam", "has no function basenam; did you mean basename?"),
        ("os.path:zzzzz", "has no function zzzzz; it has "),
        ("os:sep", "a value of type str, which cannot be called"),
        (f"{MAPPED}:number", "a value of type int, which cannot be called"),
        (f"{MAPPED}:two", "cannot be called with one input"),
        (f"{MAPPED}:asynchronous", "it is asynchronous; give a plain function"),
    ],
)
def test_what_cannot_be_found_is_said(reference: str, said: str) -> None:
    """One sentence, on one line, with what to write instead."""
    with pytest.raises(Unusable) as raised:
        load(reference)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(x:\n", "SyntaxError"),
        ("1 / 0\n", "ZeroDivisionError: division by zero"),
        ("import absent_module\n", "ModuleNotFoundError: No module named 'absent_module'"),
        ("raise SystemExit(3)\n", "SystemExit: 3"),
    ],
)
@pytest.mark.parametrize("by_file", [True, False])
def test_a_module_that_fails_says_why(
    source: str, said: str, by_file: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also one that imports what is missing: that is not the module asked for."""
    (tmp_path / "failing.py").write_text(source)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unusable, match="it cannot be imported") as raised:
        load("failing.py:f" if by_file else "failing:f")
    assert said in str(raised.value)
    assert "failing" not in sys.modules


def test_a_file_without_functions_is_said_to_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no other name to suggest."""
    (tmp_path / "nothing_here.py").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Unusable, match="has no function f, nor any other"):
        load("nothing_here.py:f")
