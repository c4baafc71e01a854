"""Inputs from arguments, patterns and lists; and each way there are none is said."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from interlock.cli.map.inputs.sources import gather
from interlock.cli.usage import Unusable


def all_of(*sources: Sequence[str]) -> list[object]:
    """What `gather` finds, in one list, of which it knew the length."""
    inputs = gather(*sources)
    found = list(inputs.each())
    assert inputs.total == len(found)
    return found


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a few files, and the tests in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a" / "b").mkdir(parents=True)
    for name in ("z.py", "a/y.py", "a/b/x.py", "a/b/note.txt", "a/.hidden.py"):
        (tmp_path / name).touch()
    (tmp_path / "a" / "folder.py").mkdir()
    return tmp_path


def test_all_sources_follow_each_other() -> None:
    """Arguments, then patterns, then lists; what is named twice is there twice."""
    Path("list").write_text("one\n\ntwo\r\none")
    assert all_of(["n", "n"], ["*.py"], ["list"]) == ["n", "n", "z.py", "one", "two", "one"]


def test_two_stars_are_any_depth_and_folders_are_no_inputs() -> None:
    """In a fixed order, without hidden files."""
    assert all_of([], ["**/*.py"], []) == ["a/b/x.py", "a/y.py", "z.py"]


def test_a_line_ends_at_a_newline_only() -> None:
    """Not at the other characters that Python calls line ends; spaces stay."""
    Path("list").write_text("\ufeffa\x0cb \u2028c\n d\n", encoding="utf-8")
    assert all_of([], [], ["list"]) == ["a\x0cb \u2028c", " d"]


def test_a_name_that_is_no_text_is_an_input_too(here: Path) -> None:
    """As Python names it, so that open() finds the file."""
    Path(os.fsdecode(b"\xff.dat")).touch()
    assert all_of([], ["*.dat"], []) == ["\udcff.dat"]


@pytest.mark.parametrize(
    ("patterns", "lists", "said"),
    [
        ([], [], "there is no input; name some after FUNCTION"),
        (["*.absent"], [], "--glob *.absent: no file matches, looking from "),
        ([], ["absent"], "--lines absent: no such file; give a file"),
        ([], ["a"], "--lines a: it cannot be read (Is a directory)"),
        ([], ["latin"], "line 2 of latin is not UTF-8; convert it first"),
        ([], ["empty"], "--lines empty: that gives no input"),
    ],
)
def test_what_gives_no_input_is_said(patterns: list[str], lists: list[str], said: str) -> None:
    """One sentence with what to write instead."""
    Path("latin").write_bytes(b"good\nb\xf6se\n")
    Path("empty").write_bytes(b"\n\n")
    with pytest.raises(Unusable) as raised:
        gather([], patterns, lists)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("line", "why"),
    [("1e999", "1e999 is beyond"), ("[" * 101 + "]" * 101, "it is nested deeper than 100")],
)
def test_a_json_line_that_has_no_line_in_the_results_is_refused(line: str, why: str) -> None:
    """By its number, before anything runs: it would end the run when its result comes."""
    Path("list").write_text(f"1\n{line}\n")
    with pytest.raises(Unusable, match=rf"line 2 of list is not JSON \({why}"):
        gather([], (), (), ["list"])
    Path("list").write_text("[" * 100 + "1e308" + "]" * 100)
    assert gather([], (), (), ["list"]).total == 1
