"""Every context keeps every promise, or says how not: one suite for all (P8)."""

from __future__ import annotations

import inspect
from typing import Any

import pytest

from tests.conformance.contexts.differences import ABSENT, DIFFERS, LACKS, RACES
from tests.conformance.contexts.promise import Bench, Promise
from tests.conformance.contexts.promises import PROMISES
from tests.conformance.contexts.subjects import SUBJECTS, Subject
from tests.conformance.contexts.table import PLACE, table

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.key)
def test_a_promise_is_kept_or_said_not_to_be(
    promise: Promise, subject: Subject, context: Any
) -> None:
    """P8: what works, works; what differs or lacks does so as `differences.py` says."""
    absent = ABSENT.get(subject.name, {})
    for need in promise.needs:
        if need in absent:
            assert not hasattr(context, need), f"{need} is there; it is said to be absent"
            return
    told = {**LACKS.get(subject.name, {}), **DIFFERS.get(subject.name, {})}
    if promise.asks and promise.asks not in subject.can:
        assert promise.key in told, "it cannot be tried, and nothing is said of it"
        return
    if promise.key not in told:
        tried(promise, subject, context)
        return
    lacks = promise.key in LACKS.get(subject.name, {})
    foreseen = (AssertionError, AttributeError, TypeError) if lacks else (AssertionError,)
    try:
        tried(promise, subject, context)
    except foreseen:
        return  # as it is said; any other error is something else
    assert promise.key in RACES.get(subject.name, ()), "it is kept, though it is said not to be"


def tried(promise: Promise, subject: Subject, context: Any) -> None:
    """Raises when it is not kept."""
    bench = Bench(context)
    bench.long_s = subject.long_s or bench.long_s
    bench.soon_s = subject.soon_s or bench.soon_s
    bench.moment_s = subject.moment_s or bench.moment_s
    try:
        promise.check(bench)
    finally:
        bench.end()


def test_what_is_absent_says_what_to_use_instead(subject: Subject, context: Any) -> None:
    """P8: in the error, and as `differences.py` has it; of our own contexts."""
    if not hasattr(context, "capabilities"):
        assert subject.name.startswith("multiprocessing")
        return
    assert {*ABSENT.get(subject.name, {})} == {*context.capabilities.absent}
    for name, instead in ABSENT.get(subject.name, {}).items():
        with pytest.raises(AttributeError, match=name) as missing:
            getattr(context, name)
        assert instead in str(missing.value)


def test_what_is_said_is_of_contexts_and_promises_that_there_are() -> None:
    """A difference whose promise has another name now would be lost."""
    keys = {promise.key for promise in PROMISES}
    assert len(keys) == len(PROMISES)
    for told in ABSENT, LACKS, DIFFERS:
        assert {*told} <= {*SUBJECTS, "dask", "ray", "interpreter"}
    for named in LACKS, DIFFERS, RACES:
        assert {key for said in named.values() for key in said} <= keys


def test_each_promise_is_in_words() -> None:
    """The table has them."""
    for promise in PROMISES:
        assert promise.text.endswith("."), promise.key
        assert inspect.getdoc(promise.check)


def test_the_table_in_the_docs_is_what_the_suite_says() -> None:
    """P8: `make contexts` writes it; it cannot say anything else."""
    assert PLACE.read_text(encoding="utf-8") == table()
