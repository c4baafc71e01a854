"""The standard library's own tests for multiprocessing and its executors, run on Interlock (P1).

Those for the executors (`test_concurrent_futures`, a file or a package) come with some builds of
Python and not with others; where they do not, there are no cases of them.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import os
from collections.abc import Iterator

import pytest

from tests.conformance.__main__ import lines
from tests.conformance.excluded import EXCLUDED, EXCLUDED_OF_EXECUTORS, excluded_tests
from tests.conformance.executors import installed_executor_tests
from tests.conformance.redirect import installed_suite
from tests.conformance.runs import BOUND_S, Case, Runs, Suite
from tests.conformance.suite import temporary_suite

TESTS = installed_suite()


@functools.cache
def classes() -> dict[Case, list[str]]:
    """The classes of the installed tests, and the names of their tests."""
    with temporary_suite() as suite:
        return suite.classes()


CASES = [] if TESTS is None else list(classes())


@pytest.fixture(scope="module")
def suite() -> Iterator[Suite]:
    """The redirected tests, for as long as they run."""
    with temporary_suite() as found:
        yield found


@pytest.fixture(scope="module")
def runs(suite: Suite, request: pytest.FixtureRequest) -> Iterator[Runs]:
    """Runs the classes that were chosen, in their order, as many at once as there are cores."""
    chosen = set(filter(None, map(case_of, request.session.items)))
    wanted = {case: excluded_tests(case, classes()[case]) for case in CASES if case in chosen}
    at_once = len(os.sched_getaffinity(0))
    with contextlib.closing(Runs(suite, wanted, at_once=at_once)) as runs:
        yield runs


def case_of(item: pytest.Item) -> Case | None:
    """The class that a test stands for, of those that pytest has collected."""
    if not isinstance(item, pytest.Function) or item.originalname != test_class_passes.__name__:
        return None
    case = item.callspec.params["case"]
    assert isinstance(case, Case)
    return case


@pytest.mark.skipif(TESTS is None, reason="the standard library's tests are not installed")
@pytest.mark.timeout(BOUND_S + 60)
@pytest.mark.parametrize("case", CASES, ids=str)
def test_class_passes(case: Case, runs: Runs) -> None:
    """P1: a class passes, but for what is listed, and leaves nothing behind."""
    outcome = runs.outcome(case)
    assert not outcome.failed, "\n".join(lines(outcome))


@pytest.mark.skipif(TESTS is None, reason="the standard library's tests are not installed")
def test_what_is_not_run_exists() -> None:
    """A reason whose test the standard library has no longer is to be dropped."""
    own = {f"{case.name}.{name}" for case, tests in classes().items() for name in tests}
    assert set(EXCLUDED) <= own
    if installed_executor_tests() is not None:
        assert all(fnmatch.filter(own, pattern) for pattern in EXCLUDED_OF_EXECUTORS)
