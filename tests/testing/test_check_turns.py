"""The suites of locks' relatives: ours keep every contract; others what they promised."""

from __future__ import annotations

import multiprocessing
from functools import partial
from typing import Any

import pytest

from interlock.context import BaseContext
from interlock.testing import check_barrier, check_condition, check_event, check_semaphore


def test_our_semaphores_keep_every_contract(context: BaseContext) -> None:
    """P3: their places come back."""
    check_semaphore(context.Semaphore, context=context, without={"bounded"})
    check_semaphore(context.BoundedSemaphore, context=context, without={"unbounded"})


def test_our_event_keeps_every_contract(context: BaseContext) -> None:
    """P3: no death stops it."""
    check_event(context.Event, context=context)


@pytest.mark.parametrize("lock", ["RLock", "standard"])
def test_our_condition_keeps_every_contract(context: BaseContext, lock: str) -> None:
    """P3: the dead take no notification; with a lock of the standard library's, too."""
    check_condition(partial(_condition, context, lock), context=context)


def _condition(context: Any, lock: str) -> Any:
    if lock == "standard":
        method = context.get_start_method()
        return context.Condition(multiprocessing.get_context(method).RLock())
    return context.Condition()


def test_our_barrier_keeps_every_contract(context: BaseContext) -> None:
    """P3: the dead are missing, and named."""
    check_barrier(context.Barrier, context=context)


def test_the_standard_library_s_keep_what_they_promise() -> None:
    """P3: the suites ask for no more than `multiprocessing` has, where they are told so."""
    context = multiprocessing.get_context("fork")
    check_semaphore(context.Semaphore, context=context, without={"bounded", "killed", "seen"})
    check_event(context.Event, context=context, without={"killed", "moment"})
    check_condition(context.Condition, context=context, without={"killed", "order"})
    check_barrier(context.Barrier, context=context, without={"killed"})


@pytest.mark.parametrize(
    ("check", "kind", "parts", "contract"),
    [
        (check_semaphore, "Semaphore", {"bounded", "seen"}, "places_of_the_dead_come_back"),
        (check_event, "Event", {"moment"}, "no_death_stops_it"),
        (check_barrier, "Barrier", set(), "who_dies_waiting_is_missing"),
        (check_condition, "Condition", {"order"}, "who_notifies_waits_for_nobody"),
    ],
)
def test_what_stays_stuck_is_told(check: Any, kind: str, parts: set[str], contract: str) -> None:
    """P3: the standard library's, some of whose users were killed."""
    context = multiprocessing.get_context("fork")
    with pytest.raises(AssertionError, match=contract):
        check(getattr(context, kind), context=context, without=parts, timeout=4.0)
