"""check_pool: passes what keeps the contracts, and tells of what does not, by name."""

from __future__ import annotations

import inspect
import multiprocessing
import multiprocessing.pool
import re
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing import check_pool
from interlock.testing import pool as pool_suite
from tests.testing.broken_pools import BROKEN_POOLS, STUCK_POOLS, SoundPool
from tests.testing.telling import must_tell

pytestmark = pytest.mark.timeout(400)  # some sixty pools, and a worker of spawn imports much

# What `multiprocessing.Pool` never promised.
NOT_STANDARD = (
    "aio backoff broken_initializer cancel causes endless exits killed lambdas memory_limit "
    "odd_errors orphans priority progress resize retries share terminated timeout"
).split()
# What threads cannot, and what `multiprocessing`'s pool of them, which ours is, does not.
NOT_THREADS = (
    "backoff broken_initializer cancel exits killed memory_limit orphans priority processes "
    "progress quota resize retries share timeout"
).split()
PARTS = {*NOT_STANDARD, *NOT_THREADS, "left_open"}
STUCK_S = 2.0  # for contracts that need some hundredths of it

BeginWith = Callable[[ModuleType, str], None]


def test_our_pool_keeps_every_contract(context: BaseContext) -> None:
    """P6: all that there are."""
    check_pool(context.Pool, context=context)


def test_our_pool_of_threads_keeps_what_threads_can() -> None:
    """P6: threads cannot be ended; an exception that ends one is the standard library's matter."""
    context = interlock.get_context("fork")
    check_pool(interlock.pool.ThreadPool, context=context, without=NOT_THREADS)


@pytest.mark.parametrize("method", ["fork", "forkserver"])  # spawn takes minutes
def test_the_standard_library_s_pool_keeps_what_it_promises(method: str) -> None:
    """P6: the suite asks for no more than `multiprocessing` has, where it is told so."""
    context: Any = multiprocessing.get_context(method)
    # When all its workers have used up their quota at once, its map divides by their number: 0.
    check_pool(context.Pool, context=context, without=[*NOT_STANDARD, "quota"])


def test_the_standard_library_s_pool_of_threads_keeps_what_it_promises() -> None:
    """P6: as the one of processes, and it sends nothing."""
    context = multiprocessing.get_context("fork")
    without = {*NOT_THREADS, "aio", "endless"}
    check_pool(multiprocessing.pool.ThreadPool, context=context, without=without)


@pytest.mark.parametrize(
    ("part", "contract"),
    [
        ("killed", "the_kill_of_a_busy_worker_costs_one_call"),
        ("endless", "an_input_may_be_endless"),
        ("exits", "a_call_that_exits_costs_itself"),
        ("terminated", "nobody_waits_for_what_was_terminated"),
    ],
)
def test_what_the_standard_library_s_pool_is_without_is_told(
    part: str, contract: str, begin_with: BeginWith
) -> None:
    """P6: the suite finds out, if it is not told to leave that out."""
    begin_with(pool_suite, contract)
    context = multiprocessing.get_context("fork")
    without = PARTS - {part, "processes"}
    with pytest.raises(AssertionError, match=f"^This pool breaks the contract '{contract}'"):
        check_pool(context.Pool, context=context, without=without, timeout=STUCK_S)


@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"),
    BROKEN_POOLS,
    ids=[c[0].__name__ for c in BROKEN_POOLS],
)
def test_a_broken_pool_is_told_by_the_contract_it_breaks(
    broken: Callable[..., Any], contract: str, parts: str, words: str, begin_with: BeginWith
) -> None:
    """P6: the contract's name and promise, and what happened instead."""
    begin_with(pool_suite, contract)
    must_tell(check_pool, broken, contract, PARTS - set(parts.split()), words)


@pytest.mark.campaign
@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"),
    BROKEN_POOLS,
    ids=[c[0].__name__ for c in BROKEN_POOLS],
)
def test_a_broken_pool_keeps_the_contracts_before(
    broken: Callable[..., Any], contract: str, parts: str, words: str
) -> None:
    """P6: the one that it breaks is the first that is told, in the order that users have."""
    must_tell(check_pool, broken, contract, PARTS - set(parts.split()), words)


@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"), STUCK_POOLS, ids=[c[0].__name__ for c in STUCK_POOLS]
)
def test_a_pool_that_hangs_is_told_with_the_line_where_it_does(
    broken: Callable[..., Any], contract: str, parts: str, words: str, begin_with: BeginWith
) -> None:
    """P6: within the time given for one contract."""
    begin_with(pool_suite, contract)
    context = interlock.get_context("fork")
    without = PARTS - set(parts.split())
    with pytest.raises(AssertionError) as caught:
        check_pool(broken, context=context, without=without, timeout=STUCK_S)
    assert str(caught.value).startswith(f"This pool breaks the contract {contract!r}: ")
    assert words in str(caught.value)


@pytest.mark.campaign
def test_what_surrounds_the_broken_ones_is_sound() -> None:
    """P6: it is the one difference that the suite finds."""
    check_pool(SoundPool, context=interlock.get_context("fork"))


def test_the_parts_are_those_that_its_documentation_names() -> None:
    """P6: a user finds them there, and finds no other."""
    documented = inspect.getdoc(check_pool) or ""
    listed = documented.partition("They are: ")[2].partition("timeout:")[0]
    assert set(re.findall(r"``(\w+)``", listed)) == PARTS
    context = interlock.get_context("fork")
    with pytest.raises(ValueError) as caught:
        check_pool(context.Pool, context=context, without={"nothing"})
    assert set(str(caught.value).partition("without ")[2].split(", ")) == PARTS
