"""check_lock: passes what keeps the contracts, and tells of what does not, by name."""

from __future__ import annotations

import multiprocessing
from functools import partial

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing import check_lock

# What `multiprocessing.Lock` never promised.
NOT_STANDARD = {"abandoned", "fair", "killed", "seen", "travel"}


def test_our_lock_keeps_every_contract(context: BaseContext) -> None:
    """P3: all parts but those of an RLock and of a fair lock."""
    check_lock(context.Lock, context=context, without={"fair", "recursive"})


def test_our_fair_lock_keeps_every_contract(context: BaseContext) -> None:
    """P3: and the order besides."""
    check_lock(partial(context.Lock, fair=True), context=context, without={"recursive"})


@pytest.mark.parametrize("fair", [False, True])
def test_our_recursive_lock_keeps_every_contract(context: BaseContext, fair: bool) -> None:
    """P3: its owner alone releases it."""
    parts = {"any_release"} if fair else {"any_release", "fair"}
    check_lock(partial(context.RLock, fair=fair), context=context, without=parts)


@pytest.mark.parametrize("kind", ["Lock", "RLock"])
def test_the_standard_library_s_locks_keep_what_they_promise(kind: str) -> None:
    """P3: the suite asks for no more than `multiprocessing` has, where it is told so."""
    context = multiprocessing.get_context("fork")
    other = "any_release" if kind == "RLock" else "recursive"
    check_lock(getattr(context, kind), context=context, without={*NOT_STANDARD, other})


def test_a_lock_that_stays_stuck_is_told() -> None:
    """P3: the standard library's, whose owner was killed."""
    context = multiprocessing.get_context("fork")
    with pytest.raises(AssertionError, match="a_dead_owner_s_lock_is_had"):
        check_lock(
            context.Lock,
            context=context,
            without={"abandoned", "fair", "seen", "travel", "recursive", "any_release"},
            timeout=3.0,
        )


def test_a_lock_that_is_not_in_order_is_told() -> None:
    """P3: one that lets who comes pass those that wait."""
    context = interlock.get_context("fork")
    parts = {*NOT_STANDARD, "recursive"} - {"fair"}
    with pytest.raises(AssertionError, match=r"who_waits_is_passed|they_have_it_in_the_order"):
        for _ in range(10):  # it may keep the order by chance
            check_lock(context.Lock, context=context, without=parts)
