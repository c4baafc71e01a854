"""Writes the standard library's own tests for its executors anew, so that they test Interlock's.

They are one file up to Python 3.11 and a package after it; some builds come without them, and
then there are no such classes. `concurrent.futures` is replaced in them by a module that has all
of it but the two executors, which are the subject's; multiprocessing is redirected as elsewhere.
"""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from tests.conformance.redirect import Subject, redirect

NAME = "test_concurrent_futures"
FUTURES = "redirected_futures"

_FUTURES = """\
import concurrent.futures

from {executors} import ProcessPoolExecutor, ThreadPoolExecutor


def __getattr__(name):
    return getattr(concurrent.futures, name)
"""
# What the tests wait for the end of, though it is private, and what ours has in its place.
_INTERNALS = (
    ("executor._executor_manager_thread", "executor._engine.supervisor.thread"),
    ("executor._call_queue", "executor._engine.results"),
)
_MODULE = re.compile(r"\bfrom concurrent import futures\b")
_NAMES = re.compile(r"\bfrom concurrent\.futures import\b")


def installed_executor_tests() -> Path | None:
    """The file of these tests, or their folder; None where the interpreter comes without them."""
    if importlib.util.find_spec("test") is None:
        return None
    spec = importlib.util.find_spec(f"test.{NAME}")
    if spec is None or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def write_executor_tests(directory: Path, subject: Subject, tests: Path) -> list[str]:
    """Write the redirected tests; the names of the modules that have classes.

    Args:
        directory: where all the redirected modules lie.
        subject: the package whose executors are tested; with `multiprocessing`, which has none,
            the standard library's.
        tests: the file or the folder that is installed.
    """
    executors = "concurrent.futures" if subject.name == "multiprocessing" else subject.name
    (directory / f"{FUTURES}.py").write_text(_FUTURES.format(executors=executors), "utf-8")
    if tests.is_file():
        _write(tests, directory / tests.name, subject, directory)
        return [NAME]
    target = directory / NAME
    target.mkdir()
    for source in tests.glob("*.py"):
        _write(source, target / source.name, subject, directory)
    return sorted(f"{NAME}.{path.stem}" for path in target.glob("test_*.py"))


def _write(source: Path, target: Path, subject: Subject, directory: Path) -> None:
    text = redirect(source.read_text("utf-8"), subject, directory)
    text = _MODULE.sub(f"import {FUTURES} as futures", text)
    text = _NAMES.sub(f"from {FUTURES} import", text)
    if subject.name == "interlock":
        for name, ours in _INTERNALS:
            text = text.replace(name, ours)
    target.write_text(text, "utf-8")
