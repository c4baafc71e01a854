"""A plugin of pytest: tests that compute run beside those that wait, and are reported with them.

    python -m pytest -p tests.beside --beside [options]

Most tests wait most of the time: for a process to start, for what must not happen. So what is in
ASIDE is run beside them, with a lower priority: a pytest for each part, one after the other. It
holds nothing to a second, and makes no name in /dev/shm that is not known for another program's
(tests/left_behind.py). All else runs one after the other, as ever. What is found beside is told to
the first pytest, whose summary has all.

Who names tests, or has an option that does not only show things, has all in one pytest.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import IO, Any

import pytest

COMPUTING = (
    "benchmarks cli context/board context/far context/tasks docs examples models native serialize "
    "tidy typing hostile/test_bombs.py hostile/test_corpus.py hostile/test_fuzz_short.py "
    "packaging/test_beside.py packaging/test_extension.py packaging/test_source.py"
)
# Dask and Ray bring threads and handlers of their own, which no other test is to have.
CLUSTERS = "conformance/contexts/test_clusters.py context/dask context/ray"
ASIDE = tuple([f"tests/{name}" for name in part.split()] for part in (COMPUTING, CLUSTERS))
SHOWING = ("--beside", "--color", "--durations", "--junitxml", "--tb", "-q", "-r", "-v")
NICE = 10
WHOLE = {0, 1, 5}  # exit statuses of a pytest that ran to its end
TAIL = 20_000  # characters of what it printed, where it did not


def pytest_addoption(parser: pytest.Parser) -> None:
    """As pytest has it."""
    group = parser.getgroup("beside")
    group.addoption("--beside", action="store_true", help="run some folders beside the others")
    group.addoption("--tell", metavar="FILE", help="what a pytest beside is given")


def pytest_configure(config: pytest.Config) -> None:
    """As pytest has it."""
    if config.option.tell:
        config.pluginmanager.register(Teller(config), "teller")
    elif config.option.beside and (os.cpu_count() or 1) > 1:
        options = [each for each in config.invocation_params.args if each != "tests.beside"]
        if all(str(each).startswith((*SHOWING, "-p")) for each in options):
            config.pluginmanager.register(Listener(config), "listener")


class Teller:
    """In a pytest beside: writes one object of JSON a line."""

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
    """In the first pytest: starts the others, and passes on what they tell."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._away = frozenset(config.rootpath / name for part in ASIDE for name in part)

    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """As pytest has it."""
        return True if collection_path in self._away else None

    @pytest.hookimpl(wrapper=True)
    def pytest_runtestloop(self, session: pytest.Session) -> Generator[None, object, object]:
        """As pytest has it."""
        with tempfile.TemporaryDirectory() as folder:
            told = Path(folder) / "told"
            told.touch()
            command = [sys.executable, "-m", "tests.beside", str(told)]
            it = subprocess.Popen(command, cwd=self._config.rootpath, process_group=0)
            with _ended(it):
                result = yield
                with told.open(encoding="utf-8") as lines:
                    for line in _lines(lines, it):
                        self._heard(session, *json.loads(line))
                if it.wait() != 0:
                    self._broken(f"what runs the tests beside ended with status {it.returncode}")
        return result

    def _heard(self, session: pytest.Session, word: str, what: Any) -> None:
        hook = self._config.hook
        if word == "collected":
            session.testscollected += what
            return
        if word == "deselected":
            hook.pytest_deselected(items=[SimpleNamespace() for _ in range(what)])
            return
        if word == "broken":
            self._broken(what)
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

    def _broken(self, why: str) -> None:
        name = "the tests beside"
        report = pytest.TestReport(
            nodeid=name,
            location=(name, None, name),
            keywords={},
            outcome="failed",
            longrepr=why,
            when="call",
        )
        self._config.hook.pytest_runtest_logreport(report=report)


@contextmanager
def _ended(it: subprocess.Popen[bytes]) -> Iterator[None]:
    """Behind the block it has, with all that it started."""
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(it.pid, signal.SIGTERM)
        it.wait()


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


def main(told: str) -> None:
    """In a process of its own: a pytest for each part."""
    options = ["-p", "tests.beside", "-p", "no:cacheprovider", "--tell", told]
    for part in ASIDE:
        command = ["nice", "-n", str(NICE), sys.executable, "-m", "pytest", *options, *part]
        with tempfile.TemporaryFile("w+", encoding="utf-8") as printed:
            status = subprocess.call(command, stdout=printed, stderr=subprocess.STDOUT)
            printed.seek(0)
            why = f"a pytest beside ended with status {status}:\n{printed.read()[-TAIL:]}"
        if status not in WHOLE:
            with Path(told).open("a", encoding="utf-8") as file:
                file.write(json.dumps(["broken", why]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
