"""check_executor: passes what keeps the contracts, and tells of what does not, by name."""

from __future__ import annotations

import concurrent.futures
import functools
import inspect
import multiprocessing
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.pool import ProcessPoolExecutor, ThreadPoolExecutor
from interlock.testing import check_executor
from interlock.testing import executor as executor_suite
from tests.testing.broken_pools import BROKEN_EXECUTORS, SoundExecutor
from tests.testing.telling import must_tell

pytestmark = pytest.mark.timeout(400)  # some sixty executors; a worker of spawn imports much

# What `concurrent.futures.ProcessPoolExecutor` never promised, or not as of Python 3.11.
NOT_STANDARD = (
    "aio backoff buffersize cancel causes endless killed lambdas left_open memory_limit "
    "odd_errors orphans priority progress quota resize retries share terminate_workers timeout"
).split()
# What threads cannot; and their map() reads all it is given, but with a buffersize.
NOT_THREADS = (
    "backoff cancel endless killed memory_limit orphans priority processes progress quota resize "
    "retries share terminate_workers timeout"
).split()
PARTS = {*NOT_STANDARD, *NOT_THREADS, "broken_initializer", "exits"}

BeginWith = Callable[[ModuleType, str], None]


def test_our_executor_keeps_every_contract(context: BaseContext) -> None:
    """P6: all that there are; a quota goes with fork in no executor."""
    factory = functools.partial(ProcessPoolExecutor, mp_context=context)
    without = {"quota"} if context.get_start_method() == "fork" else set[str]()
    check_executor(factory, context=context, without=without)


def test_our_executor_of_threads_keeps_what_threads_can() -> None:
    """P6: threads cannot be ended."""
    context = interlock.get_context("fork")
    check_executor(ThreadPoolExecutor, context=context, without=NOT_THREADS)


@pytest.mark.parametrize("method", ["fork", "forkserver"])  # spawn takes minutes
def test_the_standard_library_s_executor_keeps_what_it_promises(method: str) -> None:
    """P6: the suite asks for no more than `concurrent.futures` has, where it is told so."""
    context: Any = multiprocessing.get_context(method)
    factory = functools.partial(concurrent.futures.ProcessPoolExecutor, mp_context=context)
    check_executor(factory, context=context, without=NOT_STANDARD)


def test_the_standard_library_s_executor_of_threads_keeps_what_it_promises() -> None:
    """P6: as the one of processes, and it sends nothing."""
    context = multiprocessing.get_context("fork")
    without = {*NOT_THREADS, "aio", "buffersize"}
    factory = concurrent.futures.ThreadPoolExecutor
    check_executor(factory, context=context, without=without)


@pytest.mark.parametrize(
    ("part", "contract"),
    [
        ("killed", "the_kill_of_a_busy_worker_costs_one_call"),
        ("odd_errors", "an_exception_with_an_odd_constructor_arrives"),
        ("left_open", "a_process_that_has_one_ends"),
    ],
)
def test_what_the_standard_library_s_executor_is_without_is_told(
    part: str, contract: str, begin_with: BeginWith
) -> None:
    """P6: the suite finds out, if it is not told to leave that out."""
    begin_with(executor_suite, contract)
    context = multiprocessing.get_context("fork")
    factory = functools.partial(concurrent.futures.ProcessPoolExecutor, mp_context=context)
    with pytest.raises(AssertionError, match=f"^This executor breaks the contract '{contract}'"):
        check_executor(factory, context=context, without=PARTS - {part}, timeout=2.0)


@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"),
    BROKEN_EXECUTORS,
    ids=[each[0].__name__ for each in BROKEN_EXECUTORS],
)
def test_a_broken_executor_is_told_by_the_contract_it_breaks(
    broken: Callable[..., Any], contract: str, parts: str, words: str, begin_with: BeginWith
) -> None:
    """P6: the contract's name and promise, and what happened instead."""
    begin_with(executor_suite, contract)
    must_tell(check_executor, broken, contract, PARTS - set(parts.split()), words)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"),
    BROKEN_EXECUTORS,
    ids=[each[0].__name__ for each in BROKEN_EXECUTORS],
)
def test_a_broken_executor_keeps_the_contracts_before(
    broken: Callable[..., Any], contract: str, parts: str, words: str
) -> None:
    """P6: the one that it breaks is the first that is told, in the order that users have."""
    must_tell(check_executor, broken, contract, PARTS - set(parts.split()), words)


@pytest.mark.campaign
def test_what_surrounds_the_broken_ones_is_sound() -> None:
    """P6: it is the one difference that the suite finds."""
    check_executor(SoundExecutor, context=interlock.get_context("fork"), without={"quota"})


def test_the_parts_are_those_that_its_documentation_names() -> None:
    """P6: a user finds them there, and finds no other."""
    documented = inspect.getdoc(check_executor) or ""
    listed = documented.partition("They are: ")[2].partition("timeout:")[0]
    assert set(re.findall(r"``(\w+)``", listed)) == PARTS
    context = interlock.get_context("fork")
    with pytest.raises(ValueError) as caught:
        check_executor(ThreadPoolExecutor, context=context, without={"nothing"})
    assert set(str(caught.value).partition("without ")[2].split(", ")) == PARTS
