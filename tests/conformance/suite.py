"""The redirected tests in a temporary directory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.executors import installed_executor_tests, write_executor_tests
from tests.conformance.redirect import MODULES, find_subject, installed_suite, write_suite
from tests.conformance.runs import Suite

# The check of the suite itself: INTERLOCK_CONFORMANCE_SUBJECT=multiprocessing
DEFAULT_SUBJECT = os.environ.get("INTERLOCK_CONFORMANCE_SUBJECT", "interlock")


@contextmanager
def temporary_suite(subject: str = DEFAULT_SUBJECT) -> Iterator[Suite]:
    """Write the tests, and remove them at the end.

    The name is short, for a socket of a test lies below it and may have 107 bytes.

    Raises:
        ModuleNotFoundError: the tests or the subject are not installed.
    """
    installed = installed_suite()
    if installed is None:
        raise ModuleNotFoundError("the standard library's tests are not installed")
    directory = Path(tempfile.mkdtemp(prefix="ilk-"))
    try:
        found = find_subject(subject)
        write_suite(directory, found, installed)
        modules = [*MODULES]
        if executors := installed_executor_tests():
            modules += write_executor_tests(directory, found, executors)
        yield Suite(directory, found, modules)
    finally:
        shutil.rmtree(directory)
