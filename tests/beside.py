"""A plugin of pytest: tests that compute run beside those that wait, and are reported with them.

    python -m pytest -p tests.beside --beside [options]

Most tests wait most of the time: for a process to start, for what must not happen. So what is in
ASIDE is run by a second pytest, with a lower priority. It holds nothing to a second, and makes no
name in /dev/shm that is not known for another program's (tests/left_behind.py). All else runs one
after the other, as ever. What the second one finds is told to the first, whose summary has all.

Who names tests, or has an option that does not only show things, has all in one pytest.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import IO, Any

import pytest

ASIDE = tuple(
    f"tests/{name}"
    for name in (
        "benchmarks cli docs examples models native serialize tidy typing "
        "hostile/test_bombs.py hostile/test_corpus.py hostile/test_fuzz_short.py "
        "packaging/test_beside.py packaging/test_extension.py packaging/test_source.py"
    ).split()
)
SHOWING = ("--beside", "--color", "--durations", "--junitxml", "--tb", "-q", "-r", "-v")
NICE = 10
WHOLE = {0, 1, 5}  # exit statuses of a pytest that ran to its end
TAIL = 20_000  # characters of what it printed, where it did not


def pytest_addoption(parser: pytest.Parser) -> None:
    """As pytest has it."""
    group = parser.getgroup("beside")
    group.addoption("--beside", action="store_true", help="run some folders beside the others")
    group.addoption("--tell", metavar="FILE", help="what the second pytest is given")


def pytest_configure(config: pytest.Config) -> None:
    """As pytest has it."""
    if config.option.tell:
        config.pluginmanager.register(Teller(config), "teller")
    elif config.option.beside and (os.cpu_count() or 1) > 1:
        options = [each for each in config.invocation_params.args if each != "tests.beside"]
        if all(str(each).startswith((*SHOWING, "-p")) for each in options):
            config.pluginmanager.register(Listener(config), "listener")


class Teller:
    """In the second pytest: writes one object of JSON a line."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._file = Path(config.option.tell)

    def _tell(self, word: str, what: Any) -> None:
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps([word, what]) + "\n")

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """As pytest has it."""
        self._tell("collected", len(session.items))

    def pytest_deselected(self, items: list[pytest.Item]) -> None:
        """As pytest has it."""
        self._tell("deselected", len(items))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """As pytest has it."""
        if report.failed:
            hook = self._config.hook
            self._tell(
                "collect", hook.pytest_report_to_serializable(config=self._config, report=report)
            )

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """As pytest has it."""
        hook = self._config.hook
        self._tell("ran", hook.pytest_report_to_serializable(config=self._config, report=report))


class Listener:
    """In the first pytest: starts the second, and passes on what it tells."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._away = frozenset(config.rootpath / name for name in ASIDE)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """As pytest has it."""
        return True if collection_path in self._away else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """As pytest has it."""
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder) / "told"
            told.touch()
            with (Path(folder) / "printed").open("w+", encoding="utf-8") as printed:
                second = self._started(told, printed)
                try:
                    result = yield
                    with told.open(encoding="utf-8") as lines:
                        for line in _lines(lines, second):
                            self._heard(session, *json.loads(line))
                    if second.wait() not in WHOLE:
                        printed.seek(0)
                        self._broken(second.returncode, printed.read()[-TAIL:])
                finally:
                    second.terminate()
                    second.wait()
        return result

    def _started(self, told: Path, printed: IO[str]) -> subprocess.Popen[bytes]:
        options = ["-p", "tests.beside", "-p", "no:cacheprovider", "--tell", str(told)]
        command = ["nice", "-n", str(NICE), sys.executable, "-m", "pytest", *options, *ASIDE]
        return subprocess.Popen(
            command, cwd=self._config.rootpath, stdout=printed, stderr=subprocess.STDOUT
        )

    def _heard(self, session: pytest.Session, word: str, what: Any) -> None:
        hook = self._config.hook
        if word == "collected":
            session.testscollected += what
            return
        if word == "deselected":
            hook.pytest_deselected(items=[None] * what)
            return
        report = hook.pytest_report_from_serializable(config=self._config, data=what)
        if word == "collect":
            hook.pytest_collectreport(report=report)
            session.testsfailed += 1
            return
        if report.when == "setup":
            hook.pytest_runtest_logstart(nodeid=report.nodeid, location=report.location)
        hook.pytest_runtest_logreport(report=report)
        if report.when == "teardown":
            hook.pytest_runtest_logfinish(nodeid=report.nodeid, location=report.location)

    def _broken(self, status: int, printed: str) -> None:
        name = "the tests beside"
        report = pytest.TestReport(
            nodeid=name,
            location=(name, None, name),
            keywords={},
            outcome="failed",
            longrepr=f"the second pytest ended with status {status}:\n{printed}",
            when="call",
        )
        self._config.hook.pytest_runtest_logreport(report=report)


def _lines(file: IO[str], writer: subprocess.Popen[bytes]) -> Iterator[str]:
    """Lines as they come, until who writes them has ended."""
    line = ""
    while True:
        has_ended = writer.poll() is not None
        while part := file.readline():
            line += part
            if line.endswith("\n"):
                yield line
                line = ""
        if has_ended:
            return
        try:
            writer.wait(0.2)
        except subprocess.TimeoutExpired:
            continue
