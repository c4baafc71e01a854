"""The results file: what it holds is skipped, and what a death left of it is mended."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from interlock.cli.map.results import Held, Results, check_place, held_of
from interlock.cli.usage import Unusable

WHOLE = b'{"input": "a", "result": 1}\n{"input": {"b": 2.50}, "error": {"type": "E"}}\n'


def resumed(path: Path, data: bytes) -> Held:
    """What `--resume` finds in a file; it goes on with a line "next"."""
    path.write_bytes(data)
    results = Results(str(path), resume=True)
    results.write(b'{"input": "next", "result": 0}\n')
    results.close()
    return results.held


def test_what_it_holds_is_taken_once() -> None:
    """R3: an input that is given twice has two lines, and one that has none is not held."""
    held = Held()
    for given in ("a", "a", {"x": 1, "y": 2}, 2.5):
        held.add(given, given == 2.5)
    assert [held.take("a") for _ in range(3)] == [True, True, False]
    assert held.take({"x": 1, "y": 2}) and not held.take({"x": 1, "y": 3})
    assert (held.total, held.failed) == (4, 0)
    assert held.take(2.5) and held.failed == 1


def test_texts_and_other_values_are_told_apart() -> None:
    """ "1" is not 1, and names that are no text are themselves."""
    held = Held()
    held.add("\udcff", False)
    held.add("1", False)
    assert not held.take(1)
    assert held.take("\udcff") and held.take("1")


@pytest.mark.parametrize("cut", range(1, 40))
def test_a_torn_last_line_is_mended(cut: int, tmp_path: Path) -> None:
    """R2: wherever the death came; only a line that lacks nothing but its newline counts."""
    last = '{"input": "ça", "result": "漢字"}\n'.encode()
    torn = last[:-cut]
    held = resumed(tmp_path / "out", WHOLE + torn)
    lines = (tmp_path / "out").read_bytes().splitlines()
    found = [json.loads(line)["input"] for line in lines]
    if cut == 1:
        assert found == ["a", {"b": 2.5}, "ça", "next"]
    else:
        assert found == ["a", {"b": 2.5}, "next"]
    assert held.take("ça") == (cut == 1)
    assert (tmp_path / "out").read_bytes().startswith(WHOLE)


def test_an_empty_or_absent_file_is_gone_on_with(tmp_path: Path) -> None:
    """A run that was killed before its first line."""
    assert resumed(tmp_path / "out", b"").total == 0
    results = Results(str(tmp_path / "new"), resume=True)
    results.close()
    assert results.held.total == 0
    assert held_of(str(tmp_path / "absent")).total == 0
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("line", [b"text", b'{"input": 1}', b'{"result": 1}', b"[]", b""])
def test_a_file_of_something_else_is_not_touched(line: bytes, tmp_path: Path) -> None:
    """One sentence with the line; nobody wants their own file appended to."""
    path = tmp_path / "out"
    path.write_bytes(WHOLE + line + b"\n" + WHOLE)
    for read in (lambda: Results(str(path), resume=True), lambda: held_of(str(path))):
        with pytest.raises(Unusable, match=r"line 3 of .* is no result of interlock map; give"):
            read()
    assert path.read_bytes() == WHOLE + line + b"\n" + WHOLE


def test_without_resume_the_file_is_begun_anew(tmp_path: Path) -> None:
    """As ever."""
    (tmp_path / "out").write_bytes(WHOLE)
    Results(str(tmp_path / "out")).close()
    assert (tmp_path / "out").read_bytes() == b""


def test_two_runs_do_not_write_one_file(tmp_path: Path) -> None:
    """The second is told so, and what the first has written stays."""
    results = Results(str(tmp_path / "out"))
    results.write(WHOLE)
    program = (
        "import sys; from interlock.cli.map.results import Results; "
        f"Results({str(tmp_path / 'out')!r})"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False
    )
    assert "another run is writing that file; wait for its end, or give another" in done.stderr
    assert (tmp_path / "out").read_bytes() == WHOLE
    results.close()


def test_results_can_be_written_only_where_they_can(tmp_path: Path) -> None:
    """Each reason is told apart."""
    (tmp_path / "file").touch()
    for path, said in (
        (str(tmp_path), "that is a folder; give a file in it"),
        (f"{tmp_path}/a/b", f"there is no folder {tmp_path}/a; create it"),
        (f"{tmp_path}/file/b", f"there is no folder {tmp_path}/file"),
        (f"{tmp_path}/file", "the inputs are read from that file; give another one"),
    ):
        with pytest.raises(Unusable) as raised:
            check_place(path, False, [str(tmp_path / "absent"), str(tmp_path / "file")])
        assert said in str(raised.value)
    with pytest.raises(Unusable, match=r"--resume --out -: standard output holds nothing"):
        check_place("-", True, [])
    with pytest.raises(Unusable, match=r"it cannot be written \("):
        Results("/proc/self/absent")
