"""JSON lines, CSV rows and lines: what they give, and each way they cannot be read is said."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from interlock.cli.map.inputs import sources, streams
from interlock.cli.map.inputs.sources import Inputs, gather
from interlock.cli.usage import Unusable


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The tests are in a folder of their own."""
    monkeypatch.chdir(tmp_path)


def flat(inputs: Inputs) -> list[object]:
    """All inputs."""
    return list(inputs.each())


def test_each_json_line_is_a_value() -> None:
    """Of any kind; empty lines are left out."""
    Path("in").write_text('\ufeff{"a": [1, null]}\n\n"text"\r\n3.5\n  \nnull', encoding="utf-8")
    assert flat(gather([], json_lists=["in"])) == [{"a": [1, None]}, "text", 3.5, None]


def test_each_csv_row_is_a_dict_by_the_header() -> None:
    """With quotes, commas and newlines inside of fields."""
    Path("in").write_text('name,note\r\nx,"a ""b"", c"\r\n\r\ny,"two\nlines"\n')
    assert flat(gather([], tables=["in"])) == [
        {"name": "x", "note": 'a "b", c'},
        {"name": "y", "note": "two\nlines"},
    ]


def test_rows_come_as_their_lines_come(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of a read together, and none waits for the next read."""
    monkeypatch.setattr(streams, "READ_BYTES", 8)
    Path("in").write_text("a,b\n1,2\n3,4\n5,6\n7")
    chunks = gather([], lists=["in"]).chunks()
    assert [len(chunk.inputs) for chunk in chunks] == [2, 2, 1]
    rows = sources._rows_of("in")
    assert next(rows).inputs == [{"a": "1", "b": "2"}]
    assert next(rows).inputs == [{"a": "3", "b": "4"}, {"a": "5", "b": "6"}]
    assert next(rows).inputs == []
    with pytest.raises(Unusable, match="line 5 of in has 1 fields"):
        next(rows)


def test_all_kinds_follow_each_other() -> None:
    """Arguments, lines, JSON lines, rows."""
    Path("lines").write_text("b\n")
    Path("values").write_text("3\n")
    Path("rows").write_text("h\n4\n")
    inputs = gather(["a"], [], ["lines"], ["values"], ["rows"])
    assert flat(inputs) == ["a", "b", 3, {"h": "4"}]
    assert inputs.total == 4


def test_a_line_that_is_longer_than_a_read_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    """And characters of several bytes are, wherever a read ends."""
    monkeypatch.setattr(streams, "READ_BYTES", 3)
    Path("in").write_text("漢字 is two\n\nname\nlast", encoding="utf-8")
    assert flat(gather([], [], ["in"])) == ["漢字 is two", "name", "last"]


@pytest.mark.parametrize("name", ["fifo", "large"])
def test_what_is_not_counted_first_has_no_total(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe can be read once only; a large file would be read for long."""
    monkeypatch.setattr(sources, "COUNTED_MAX", 3)
    os.mkfifo("fifo")
    Path("large").write_text("1234\n")
    assert gather(["a"], [], [name]).total is None


@pytest.mark.parametrize(
    ("option", "data", "said"),
    [
        ("json_lists", b'1\n{"a": \n', "--jsonl in: line 2 of in is not JSON"),
        ("json_lists", b"NaN\n", "is not JSON (NaN is no JSON number); write one JSON value a"),
        ("json_lists", b"[" * 100_000, "line 1 of in is not JSON"),
        ("json_lists", b"1\n\xff\n", "--jsonl in: line 2 of in is not UTF-8; convert it first"),
        ("json_lists", b"\n", "--jsonl in: that gives no input"),
        ("tables", b"a,b\n1,2\n1,2,3\n", "line 3 of in has 3 fields, and the header has 2; give"),
        ("tables", b"a,b\n1\n", "line 2 of in has 1 fields, and the header has 2"),
        ("tables", b"a,b,a\n", "has the column 'a' twice; give each column a name of its own"),
        ("tables", b'a\n"never closed\n', "is not CSV (unexpected end of data); put fields"),
        ("tables", b"a,b\n", "--csv in: that gives no input; give a source with at least one"),
        ("lists", b"x" * (17 << 20), "a line of in is longer than 16 MiB; give a file name"),
    ],
)
def test_what_cannot_be_read_is_said(option: str, data: bytes, said: str) -> None:
    """One sentence, with the line and what to do."""
    Path("in").write_bytes(data)
    with pytest.raises(Unusable) as raised:
        gather([], **{option: ["in"]})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("option", ["lists", "json_lists", "tables"])
def test_a_file_that_is_not_there_is_said(option: str) -> None:
    """Whatever it was to hold."""
    with pytest.raises(Unusable, match=r"absent: no such file; give a file that is there, or -"):
        gather([], **{option: ["absent"]})


def test_standard_input_is_read_once() -> None:
    """Two options that name it are told so."""
    with pytest.raises(Unusable, match=r"--lines - and --jsonl -: standard input can be read only"):
        gather([], [], ["-"], ["-"])
