"""check_queue: passes what keeps the contracts, and tells of what does not, by name."""

from __future__ import annotations

import inspect
import multiprocessing
import re
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing import check_queue
from tests.testing.broken_queues import BROKEN, STUCK, KillsItsReaders, Sound

# What `multiprocessing.Queue` never promised. A killed user may take its locks along.
NOT_STANDARD = (
    "at_put close_wakes dead_letters iteration killed lease many shutdown sizes tasks travel "
    "undrained"
).split()
PARTS = {*NOT_STANDARD, "arrays", "maxsize", "threads_to_join", "timeouts"}
NOT_SIMPLE = (
    "dead_letters iteration lease many maxsize shutdown sizes tasks threads_to_join timeouts"
).split()
STUCK_S = 1.0  # nothing comes any more; the first contract, which needs a millisecond


def test_our_queue_keeps_every_contract(context: BaseContext) -> None:
    """P5: all parts but tasks, which are a JoinableQueue's."""
    check_queue(context.Queue, context=context, without={"tasks"})


def test_our_joinable_queue_keeps_every_contract_without_exception() -> None:
    """P5: it has all there is."""
    context = interlock.get_context("fork")
    check_queue(context.JoinableQueue, context=context)


def test_tasks_are_counted_across_processes_of_every_start_method(context: BaseContext) -> None:
    """P5: what a JoinableQueue has besides."""
    check_queue(context.JoinableQueue, context=context, without=PARTS - {"tasks"})


def test_our_simple_queue_keeps_what_it_offers(context: BaseContext) -> None:
    """P5: it offers put, get and empty; what it does not is named."""
    check_queue(context.SimpleQueue, context=context, without=NOT_SIMPLE)


def test_the_standard_library_s_queue_keeps_what_it_promises() -> None:
    """P5: the suite asks for no more than `multiprocessing` has, where it is told so."""
    context = multiprocessing.get_context("forkserver")
    check_queue(context.Queue, context=context, without=NOT_STANDARD)


def test_the_standard_library_s_queue_does_not_serialize_in_put() -> None:
    """P5: the suite finds out what is wrong with it, if it is not told to leave that out."""
    context = multiprocessing.get_context("fork")
    with pytest.raises(AssertionError) as caught:
        check_queue(context.Queue, context=context, without=PARTS - {"at_put"})
    assert "a_message_is_what_it_was_when_put" in str(caught.value) or (
        "what_cannot_travel_fails_at_put" in str(caught.value)
    )


@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"), BROKEN, ids=[each[1] for each in BROKEN]
)
def test_a_broken_queue_is_told_by_the_contract_it_breaks(
    broken: Callable[..., Any], contract: str, parts: str, words: str
) -> None:
    """P5: the contract's name and promise, and what happened instead."""
    context = interlock.get_context("fork")
    with pytest.raises(AssertionError) as caught:
        check_queue(broken, context=context, without=PARTS - set(parts.split()))
    assert str(caught.value).startswith(f"This queue breaks the contract {contract!r}: ")
    assert caught.match(words)


@pytest.mark.parametrize(("broken", "line"), STUCK)
def test_a_queue_that_hangs_is_told_with_the_line_where_it_does(
    broken: Callable[..., Any], line: str
) -> None:
    """P5: within the time given for one contract, and with the stack of who waits."""
    with pytest.raises(AssertionError) as caught:
        check_queue(broken, context=interlock.get_context("fork"), timeout=STUCK_S)
    text = str(caught.value)
    assert text.startswith("This queue breaks the contract 'what_is_got_is_what_was_put': ")
    assert "It was still being tried after 1 s." in text
    assert line in text.partition("The trial waited here:")[2]


def test_what_surrounds_the_broken_ones_is_sound() -> None:
    """P5: it is the one difference that the suite finds."""
    check_queue(Sound, context=interlock.get_context("fork"), without={"tasks", "travel"})


def test_processes_of_every_start_method_tell_what_is_broken(context: BaseContext) -> None:
    """P5: a failure that only children see is told as well."""
    with pytest.raises(AssertionError, match=r"many_users_get_each_message_once") as caught:
        check_queue(KillsItsReaders, context=context, without=PARTS)
    assert "A child failed in _consume():\nthe process ended with 7" in str(caught.value)


def test_a_part_that_there_is_not_is_refused_by_name() -> None:
    """P6: a slip in `without` would leave out nothing, in silence."""
    context = interlock.get_context("fork")
    with pytest.raises(ValueError, match=r"a queue has no part leases; .*\blease\b"):
        check_queue(context.Queue, context=context, without={"leases"})


def test_what_is_left_out_is_not_tried() -> None:
    """P5: a part is left out as a whole, and only that part."""
    context = interlock.get_context("fork")
    check_queue(HasNoArrays, context=context, without=PARTS)
    with pytest.raises(AssertionError, match="arrays_arrive_equal"):
        check_queue(HasNoArrays, context=context, without=PARTS - {"arrays"})


def test_the_parts_are_those_that_its_documentation_names() -> None:
    """P6: a user finds them there, and finds no other."""
    documented = inspect.getdoc(check_queue) or ""
    listed = documented.partition("They are: ")[2].partition("timeout:")[0]
    assert set(re.findall(r"``(\w+)``", listed)) == PARTS
    context = interlock.get_context("fork")
    with pytest.raises(ValueError) as caught:
        check_queue(context.Queue, context=context, without={"nothing"})
    assert set(str(caught.value).partition("without ")[2].split(", ")) == PARTS


class HasNoArrays(Sound):
    def put(self, obj: Any, block: bool = True, timeout: float | None = None) -> None:
        if type(obj).__module__ == "numpy":
            raise TypeError("no arrays here")
        super().put(obj, block, timeout)
