"""The redirected tests in a temporary directory."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conformance.redirect import find_subject, installed_suite, write_suite
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
        yield Suite(directory, found)
    finally:
        shutil.rmtree(directory)
