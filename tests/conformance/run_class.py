"""Runs one class of the redirected tests; the process that is started for each of them.

    python -m tests.conformance.run_class list MODULE...
    python -m tests.conformance.run_class run MODULE CLASS RESULTS [EXCLUDED...]

What happens is written to RESULTS as it happens, a JSON object a line, so that a
test that takes its process with it is known by name. Children started by spawn
import this module again as their main one: it stays light.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import unittest
from types import TracebackType
from typing import Any

_Error = tuple[type[BaseException], BaseException, TracebackType] | tuple[None, None, None]


def main(arguments: list[str]) -> None:
    """Do what the command line says."""
    command, *rest = arguments
    if command == "list":
        print(json.dumps({module: list_classes(module) for module in rest}))
    else:
        module, name, results, *excluded = rest
        run(getattr(importlib.import_module(module), name), results, frozenset(excluded))


def list_classes(module: str) -> dict[str, list[str]]:
    """The test classes of a module, and the names of their tests."""
    found = vars(importlib.import_module(module))
    return {
        name: list(unittest.defaultTestLoader.getTestCaseNames(case))
        for name, case in found.items()
        if isinstance(case, type) and issubclass(case, unittest.TestCase)
    }


def run(case: type[unittest.TestCase], results: str, excluded: frozenset[str]) -> None:
    """Run the tests of a class but the excluded ones."""
    names = unittest.defaultTestLoader.getTestCaseNames(case)
    tests = unittest.TestSuite(
        case(name) for name in names if f"{case.__name__}.{name}" not in excluded
    )
    _honour_pythonpath()
    # Who was started in the background of a shell ignores it, and some tests interrupt us.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    out = os.open(results, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        recorder = Recorder(out)
        tests(recorder)
        recorder.write("end", case.__name__, _environment_altered())
    finally:
        os.close(out)


class Recorder(unittest.TestResult):
    """Writes what happens to each test."""

    def __init__(self, out: int) -> None:
        super().__init__()
        self._out = out
        self._pid = os.getpid()
        self._began = 0.0

    def write(self, what: str, name: str, detail: str = "") -> None:
        """Write one line at once: a forked child must not inherit it in a buffer."""
        if os.getpid() != self._pid:
            return  # a child that ran out of its target; its parent tells the result
        line = {"what": what, "test": name, "detail": detail, "at": time.monotonic()}
        os.write(self._out, json.dumps(line).encode() + b"\n")

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        print(f"---- {_name(test)}", file=sys.stderr, flush=True)
        self.write("started", _name(test))

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.write("passed", _name(test))

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.write("skipped", _name(test), reason)

    def addExpectedFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addExpectedFailure(test, err)
        self.write("passed", _name(test))

    def addUnexpectedSuccess(self, test: unittest.TestCase) -> None:
        super().addUnexpectedSuccess(test)
        self.write("failed", _name(test), "passed, though the standard library expects it to fail")

    def addFailure(self, test: unittest.TestCase, err: Any) -> None:
        super().addFailure(test, err)
        self.write("failed", _name(test), self.failures[-1][1])

    def addError(self, test: unittest.TestCase, err: Any) -> None:
        super().addError(test, err)
        self.write("failed", _name(test), self.errors[-1][1])

    def addSubTest(self, test: unittest.TestCase, subtest: unittest.TestCase, err: Any) -> None:
        super().addSubTest(test, subtest, err)
        if err is not None:
            last = self.failures if issubclass(err[0], test.failureException) else self.errors
            self.write("failed", _name(test), f"{subtest}\n{last[-1][1]}")


def _name(test: unittest.TestCase) -> str:
    """`Class.method`, or what unittest says of a failure outside of any test."""
    method = getattr(test, "_testMethodName", None)
    return test.id() if method is None else f"{type(test).__name__}.{method}"


def _honour_pythonpath() -> None:
    """Let the programs that the tests start find the subject, which may not be installed."""
    from test.support import script_helper

    script_helper.interpreter_requires_environment = lambda: True


def _environment_altered() -> str:
    from test import support

    return "the environment was altered" if support.environment_altered else ""


if __name__ == "__main__":
    main(sys.argv[1:])
