"""check_connection: passes what keeps the contracts, and tells of what does not, by name."""

from __future__ import annotations

import inspect
import multiprocessing
import re

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing import check_connection
from tests.testing.broken_pipes import BROKEN, End, LosesMessages, factory

# A connection of the standard library's is for one user at a time.
NOT_STANDARD = ("close_wakes", "killed", "many")
PARTS = {*NOT_STANDARD, "arrays", "bytes", "duplex", "fileno", "travel"}
STUCK_S = 1.0  # nothing comes any more; the first contract, which needs a millisecond


def test_our_pipe_keeps_every_contract(context: BaseContext) -> None:
    """P5: all of them, under every start method."""
    check_connection(context.Pipe, context=context)


def test_the_standard_library_s_pipe_keeps_what_it_promises() -> None:
    """P5: the suite asks for no more than `multiprocessing` has, where it is told so."""
    context = multiprocessing.get_context("spawn")
    check_connection(context.Pipe, context=context, without=NOT_STANDARD)


def test_the_standard_library_s_pipe_does_not_wake_who_waits() -> None:
    """P5: the suite finds out what is wrong with it, if it is not told to leave that out."""
    context = multiprocessing.get_context("fork")
    with pytest.raises(AssertionError, match="close_wakes_those_who_wait"):
        check_connection(
            context.Pipe, context=context, without=PARTS - {"close_wakes"}, timeout=2.5
        )


@pytest.mark.parametrize(
    ("broken", "contract", "parts", "words"), BROKEN, ids=[each[1] for each in BROKEN]
)
def test_a_broken_pipe_is_told_by_the_contract_it_breaks(
    broken: type[End], contract: str, parts: str, words: str
) -> None:
    """P5: the contract's name and promise, and what happened instead."""
    context = interlock.get_context("fork")
    with pytest.raises(AssertionError) as caught:
        check_connection(factory(broken), context=context, without=PARTS - set(parts.split()))
    assert str(caught.value).startswith(f"This connection breaks the contract {contract!r}: ")
    assert caught.match(words)


def test_a_pipe_that_hangs_is_told_with_the_line_where_it_does() -> None:
    """P5: within the time given for one contract, and with the stack of who waits."""
    with pytest.raises(AssertionError) as caught:
        check_connection(
            factory(LosesMessages), context=interlock.get_context("fork"), timeout=STUCK_S
        )
    text = str(caught.value)
    assert "'what_is_received_is_what_was_sent'" in text
    assert "It was still being tried after 1 s." in text
    assert "got = receiver.recv()" in text.partition("The trial waited here:")[2]


def test_what_surrounds_the_broken_ones_is_sound() -> None:
    """P5: it is the one difference that the suite finds."""
    check_connection(factory(End), context=interlock.get_context("fork"), without={"travel"})


def test_the_parts_are_those_that_its_documentation_names() -> None:
    """P6: a slip in `without` is told, with those that there are."""
    documented = inspect.getdoc(check_connection) or ""
    listed = documented.partition("They are: ")[2].partition("timeout:")[0]
    assert set(re.findall(r"``(\w+)``", listed)) == PARTS
    context = interlock.get_context("fork")
    with pytest.raises(ValueError, match="a connection has no part lease") as caught:
        check_connection(context.Pipe, context=context, without={"lease"})
    assert set(str(caught.value).partition("without ")[2].split(", ")) == PARTS
