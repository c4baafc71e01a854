"""What workers say: log records, lines, and how far a map is (P9)."""

from __future__ import annotations

import io
import logging
import os
import subprocess
import sys
import textwrap
import threading
import time
import types
from pathlib import Path

import pytest
import rich.console

from interlock.context import BaseContext
from interlock.pool import Pool, ProcessPoolExecutor, progress
from interlock.pool.progress import Progress
from tests.conftest import METHODS
from tests.pool import oddities, work

LONG_S = 30.0


def test_records_arrive_in_the_parent_s_handlers(
    context: BaseContext, caplog: pytest.LogCaptureFixture
) -> None:
    """In the order of their task, before its result; with level, name, extras and traceback."""
    with (
        caplog.at_level(logging.INFO, logger="tests.pool.said"),
        Pool(2, context=context) as pool,
    ):
        for number in range(20):
            pool.apply(work.says, (number,))
            said = [r for r in caplog.records if r.name == "tests.pool.said"]
            assert [r.getMessage() for r in said[-2:]] == [f"began {number}", f"failed {number}"]
        assert said[-2].number == 19  # type: ignore[attr-defined]
        assert said[-1].exc_text is not None
        assert "ZeroDivisionError" in said[-1].exc_text
        assert said[-1].process in {process.pid for process in pool._pool}
    assert not [r for r in said if r.levelno < logging.INFO]


def test_records_are_for_the_loggers_of_the_parent(caplog: pytest.LogCaptureFixture) -> None:
    """Their levels count; an extra that cannot travel comes as text, or is told to be lost."""
    log = logging.getLogger("tests.pool.said")
    with caplog.at_level(logging.INFO, logger=log.name), Pool(1) as pool:
        pool.apply(work.says_with, (logging.INFO, threading.Lock))
        assert "lock" in caplog.records[-1].thing  # type: ignore[attr-defined]
        pool.apply(work.says_with, (logging.INFO, oddities.Unreadable))
        assert caplog.records[-1].getMessage() == "A log record of a worker could not be read."
        log.setLevel(logging.ERROR)  # later than the worker began
        caplog.clear()
        pool.apply(work.says_with, (logging.INFO, 1))
        assert not caplog.records
        pool.apply(work.says_with, (logging.ERROR, 1))
        assert [record.thing for record in caplog.records] == [1]  # type: ignore[attr-defined]


def test_a_worker_with_a_handler_of_its_own_keeps_it(caplog: pytest.LogCaptureFixture) -> None:
    """As it was set up by the initializer: nothing is said twice."""
    with Pool(1, work.has_a_handler_of_its_own) as pool:
        pool.apply(work.says_with, (logging.ERROR, 1))
    assert not caplog.records


def printed(program: str, method: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """What a program writes whose output is a pipe."""
    script = folder / "script.py"
    script.write_text(textwrap.dedent(program))
    return subprocess.run(
        [sys.executable, str(script), method],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=LONG_S,
    )


@pytest.mark.parametrize("method", METHODS)
def test_lines_are_not_torn(method: str, tmp_path: Path) -> None:
    """However long they are, and however many workers write; the killed one's too."""
    done = printed(
        """
        import os, sys, interlock
        def write(task):
            for turn in range(20):
                print(f"{task}.{turn} " + "x" * 10000 + " end")
            print("no newline", end="|")
            if task == 3: os.kill(os.getpid(), 9)
        if __name__ == "__main__":
            with interlock.get_context(sys.argv[1]).Pool(2) as pool:
                results = [pool.apply_async(write, (task,)) for task in range(8)]
                for result in results: result.wait()
        """,
        method,
        tmp_path,
    )
    assert done.stderr == ""
    lines = done.stdout.replace("no newline|", "").splitlines()
    wanted = {f"{task}.{turn} {'x' * 10000} end" for task in range(8) for turn in range(20)}
    assert set(lines) - {""} == wanted


def test_a_line_that_has_no_end_yet_is_not_lost(tmp_path: Path) -> None:
    """It comes with the rest of it, or when the task is done."""
    done = printed(
        """
        import interlock
        def write(task):
            print("one\\ntwo", end="")
            print(" three\\nfour", end="")
        if __name__ == "__main__":
            with interlock.Pool(1) as pool: pool.apply(write, (1,)); pool.close(); pool.join()
        """,
        "",
        tmp_path,
    )
    assert (done.stdout, done.stderr) == ("one\ntwo three\nfour", "")


def test_a_map_shows_how_far_it_is(pool: Pool, capfd: pytest.CaptureFixture[str]) -> None:
    """Plain lines where standard error is no terminal; failures are counted."""
    pool.map(work.square, range(100), progress=True)
    assert "square: 100 of 100 done" in capfd.readouterr().err
    with pytest.raises(ZeroDivisionError):
        pool.map(work.inverse, [1, 0, 1, 0], progress=True)
    assert "inverse: 4 of 4 done, 2 failed" in capfd.readouterr().err
    assert list(pool.imap(work.square, (n for n in range(50)), progress=True))
    assert "square: 50 done" in capfd.readouterr().err
    assert list(pool.imap_unordered(work.square, range(50), progress=True))
    assert "square: 50 of 50 done" in capfd.readouterr().err


def test_an_executor_shows_how_far_it_is(capfd: pytest.CaptureFixture[str]) -> None:
    """The same for its map."""
    with ProcessPoolExecutor(1) as executor:
        assert list(executor.map(work.square, range(30), progress=True))
    assert "square: 30 of 30 done" in capfd.readouterr().err


def test_a_terminal_has_a_bar(tmp_path: Path) -> None:
    """With count, rate and failures, by rich."""
    script = tmp_path / "script.py"
    script.write_text(
        "import interlock\n"
        "if __name__ == '__main__':\n"
        "    with interlock.Pool(1, progress=True) as pool: pool.map(abs, range(30))\n"
    )
    command = f"{sys.executable} {script}"
    shown = subprocess.run(
        ["script", "-qec", command, "/dev/null"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "TERM": "xterm"},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=LONG_S,
    )
    assert "30/30" in shown.stdout
    assert "/s" in shown.stdout


class _NoTerminal(Progress):
    def draw(self) -> None:
        raise OSError("it was closed")

    def end(self) -> None:
        self.draw()


def test_a_terminal_that_is_gone_holds_up_nothing(
    pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The results come though nobody can be told how far it is (P3)."""
    monkeypatch.setattr("interlock.pool.pool.shown", lambda *_: _NoTerminal())
    assert pool.map_async(work.square, range(5), progress=True).get(LONG_S) == [0, 1, 4, 9, 16]
    assert list(pool.imap(work.square, range(3), progress=True)) == [0, 1, 4]


def test_without_standard_error_nothing_is_shown(
    pool: Pool, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Standard output is the program's."""
    monkeypatch.setattr(sys, "stderr", None)
    pool.map(work.square, range(5), progress=True)
    assert capfd.readouterr().out == ""


class Output:
    """As ipywidgets has it."""

    def __enter__(self) -> Output:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing."""

    def clear_output(self, wait: bool = False) -> None:
        """Nothing."""


def test_a_notebook_has_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """By what rich and IPython show there; the last count is shown."""
    shown: list[str] = []
    display = types.ModuleType("IPython.display")
    display.display = lambda it, **_: shown.append(str(it))  # type: ignore[attr-defined]
    widgets = types.ModuleType("ipywidgets")
    widgets.Output = Output  # type: ignore[attr-defined]
    for name, module in (
        ("IPython", types.ModuleType("IPython")), ("IPython.display", display),
        ("ipywidgets", widgets),
    ):  # fmt: skip
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setattr(rich.console, "_is_jupyter", lambda: True)
    bar = progress.shown("square", 30)
    assert isinstance(bar, progress._Bar)
    bar.more(30, 2)
    bar.close()
    bar.close()
    assert shown
    task = bar._bar.tasks[0]
    assert (task.completed, task.fields["failures"]) == (30, "2 failed")


def test_lines_come_every_two_seconds(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With what is left; none after the end."""
    now = 100.0
    monkeypatch.setattr(time, "monotonic", lambda: now)
    lines = progress.shown("square", 30)
    lines.more(1)
    assert capfd.readouterr().err == ""
    now += progress.LINE_EVERY_S
    lines.more(9)
    assert capfd.readouterr().err == "square: 10 of 30 done, 5.0/s, 4 s left\n"
    lines.more(20, 2)
    assert capfd.readouterr().err == ""
    lines.close()
    assert capfd.readouterr().err == "square: 30 of 30 done, 2 failed, 15.0/s\n"
    lines.close()
    now += progress.LINE_EVERY_S
    lines.more(1)
    assert capfd.readouterr().err == ""


def test_nobody_need_look(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard error may be closed, and rich not be installed: there are lines, or none."""
    monkeypatch.setitem(sys.modules, "rich.console", None)
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stderr", closed)
    lines = progress.shown("square", 3)
    assert isinstance(lines, progress._Lines)
    lines.more(3)
    lines.close()


def test_a_task_may_close_its_output(context: BaseContext) -> None:
    """It costs no worker."""
    with Pool(1, context=context) as pool:
        worker = pool.apply(work.pid)
        pool.apply(work.closes_its_output)
        assert pool.apply(work.pid) == worker
