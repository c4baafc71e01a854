"""`interlock explain`: what is printed, the exit status, and what may not reach a terminal."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from tests.serialize.explained.samples import REACHING, Listing

BOUND_S = 60.0
CHAPTER = pickle.dumps(Listing())


def explain(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "interlock", "explain", *arguments],
        input=stdin,
        capture_output=True,
        timeout=BOUND_S,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


@pytest.fixture
def chapter(tmp_path: Path) -> str:
    """A file with the tutorial chapter's own example."""
    path = tmp_path / "stranger.pkl"
    path.write_bytes(CHAPTER)
    return str(path)


def test_the_chapters_example_is_caught_and_shown_word_for_word(chapter: str) -> None:
    """P4: the name as it is in the file, as people know it, and the command."""
    done = explain(chapter)
    assert (done.returncode, done.stderr) == (1, "")
    lines = done.stdout.splitlines()
    assert "  byte 28  posix.system, also known as os.system  (STACK_GLOBAL)" in lines
    assert "  byte 41  posix.system('ls -lh')  (REDUCE)" in lines
    assert "verdict: would run code" in lines


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_standard_input_is_read(arguments: tuple[str, ...]) -> None:
    """With - and without any file."""
    done = explain(*arguments, stdin=pickle.dumps([1, "two"]))
    assert (done.returncode, done.stderr) == (0, "")
    assert "verdict: plain data" in done.stdout.splitlines()
    assert "  [1, 'two']" in done.stdout.splitlines()


def test_the_exit_status_follows_the_verdict() -> None:
    """0 for what is harmless, 1 for everything else."""
    for data, status, verdict in (
        (pickle.dumps({1}), 0, "plain data"),
        (pickle.dumps(range(3)), 0, "registered types only"),
        (CHAPTER[:10], 1, "damaged"),
        (CHAPTER[:-1], 1, "would run code; damaged, too, or not looked at to its end"),
        (b"", 1, "damaged"),
    ):
        done = explain(stdin=data)
        assert (done.returncode, done.stderr) == (status, "")
        assert f"verdict: {verdict}" in done.stdout.splitlines()


def test_json_is_one_object_with_everything(chapter: str) -> None:
    """For programs: the same facts under the names that the report has."""
    done = explain(chapter, "--json")
    assert (done.returncode, done.stderr) == (1, "")
    told = json.loads(done.stdout)
    assert (told["verdict"], told["status"], told["size"]) == ("would run code", 1, len(CHAPTER))
    (found,), (call,) = told["globals"], told["calls"]
    assert (found["module"], found["name"], found["also"]) == ("posix", "system", "os.system")
    assert (call["callable"], call["arguments"]) == ("posix.system", "'ls -lh'")
    assert (call["opcode"], call["offset"], told["damage"]) == ("REDUCE", 41, None)


@pytest.mark.parametrize("option", [(), ("--json",)])
def test_nothing_in_it_can_speak_to_the_terminal(option: tuple[str, ...]) -> None:
    """P4: control characters are escaped, and markup is text."""
    data = b"ca\x1b]0;x\x07\n[red]b\n(V\x1b[2J[bold]\xc2\x9b\\u202e\ntR."
    done = explain(*option, stdin=data)
    assert done.returncode == 1
    assert all(each.isprintable() for each in done.stdout.replace("\n", ""))
    assert "\\x1b[2J[bold]" in done.stdout.replace("\\\\", "\\") and "[red]b" in done.stdout


def test_nothing_named_in_it_is_imported(tmp_path: Path) -> None:
    """P4: neither the module of a name nor the name's."""
    (tmp_path / "canary.py").write_text("import sys\nsys.exit('imported')\n")
    data = b"ccanary\nsing\n)R."
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r}); sys.argv = ['interlock', 'explain']\n"
        "from interlock.cli.main import main\n"
        "try:\n    main()\nfinally:\n    assert 'canary' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], input=data, capture_output=True, timeout=BOUND_S
    )
    assert (done.returncode, done.stderr) == (1, b"")
    assert b"canary.sing()" in done.stdout


def test_more_is_told_where_there_is_more() -> None:
    """BUILD's effect, persistent ids, buffers, pickles that follow."""
    out = explain(stdin=b"ca\nC\n)R}Vx\nI1\nsb0(Pname\n\x97t.N.").stdout.splitlines()
    assert out[0] == "29 bytes, protocol 0, 2 whole pickles; 2 bytes follow the first"
    for line in (
        "  byte 15  a.C.__setstate__({'x': 1})  "
        "(BUILD: calls `__setstate__` if there is one, otherwise sets the attributes 'x')",
        "  byte 18  'name'",
        "buffers beside the pickle",
    ):
        assert line in out


def test_a_name_may_be_registered(tmp_path: Path) -> None:
    """--registered, once for each name."""
    data = b"(capp\nPoint\ncapp\nLine\nt."
    names = ("--registered", "app:Point")
    assert explain(*names, stdin=data).returncode == 1
    assert explain(*names, "--registered", "app:Line", stdin=data).returncode == 0


@pytest.mark.parametrize("kind", ["EXT1", "behind a harmless pickle", "getattr twice"])
def test_what_reaches_for_more_has_status_1(kind: str) -> None:
    """As `tests/serialize/test_explain_pickle.py` has it, through the command."""
    assert explain(stdin=REACHING[kind]).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("absent.pkl",), "'absent.pkl' cannot be read (No such file or directory)"),
        (("/",), "cannot be read (Is a directory)"),
        (("--registered", "app.Point", "-"), "give a name as MODULE:QUALNAME"),
    ],
)
def test_wrong_use_ends_with_status_2_and_one_sentence(
    arguments: tuple[str, ...], said: str
) -> None:
    """And nothing on standard output."""
    done = explain(*arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("interlock explain: ") and done.stderr.count("\n") == 1
    assert said in done.stderr


def test_too_much_is_not_read() -> None:
    """--max-mib and --seconds bound it; the verdict says that they did."""
    done = explain("--max-mib", "1", stdin=b"N" * (1 << 20) + b".")
    assert done.returncode == 1 and "verdict: beyond the limits" in done.stdout
    assert explain("--seconds", "0", stdin=b"N.").returncode == 1
    assert explain("--seconds", "-1", stdin=b"N.").returncode == 2


def test_the_help_tells_the_options_and_the_exit_status() -> None:
    """All of them."""
    done = explain("--help")
    assert done.returncode == 0
    for word in ("FILE", "--registered", "--max-mib", "--seconds", "--json", "Exit status"):
        assert word in done.stdout
