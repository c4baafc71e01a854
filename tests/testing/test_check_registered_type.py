"""check_registered_type: passes sound types, and tells what is wrong with others, by name."""

from __future__ import annotations

import inspect
import re
from fractions import Fraction
from functools import partial

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing import check_registered_type
from tests.testing import broken_types
from tests.testing.broken_types import BROKEN, Reading, Sound

FORK = interlock.get_context("fork")
PARTS = {"damage", "leaks", "processes", "sharing"}


def test_a_sound_type_keeps_every_contract(context: BaseContext) -> None:
    """P4: with an array of its own, under every start method."""
    check_registered_type(Sound, context=context)
    check_registered_type(Reading, equal=Reading.equal, context=context)


def test_built_in_types_keep_every_contract() -> None:
    """P4: those that are registered by Interlock itself."""
    check_registered_type(partial(Fraction, 1, 3), context=FORK)


def test_older_messages_are_tried() -> None:
    """P4: what an older version wrote becomes what it should, or the contract is broken."""
    old = (
        b"\x01\xca\xcd\x19\0\0\x01\0\0\0tests.Reading\0values\xb0"  # of version 1: {"values": None}
    )
    check = partial(check_registered_type, Reading, equal=Reading.equal, context=FORK)
    check(older=[(old, Reading(values=None))])
    with pytest.raises(AssertionError, match="older_messages_are_read"):
        check(older=[(old, Reading())])


@pytest.mark.parametrize(("broken", "contract", "words"), BROKEN)
def test_a_broken_type_is_told_by_the_contract_it_breaks(
    broken: type, contract: str, words: str
) -> None:
    """P4: the contract's name and promise, and what happened instead."""
    with pytest.raises(AssertionError) as caught:
        check_registered_type(broken, context=FORK)
    assert str(caught.value).startswith(f"This registered type breaks the contract {contract!r}: ")
    assert words in str(caught.value)


def test_what_differs_in_another_process_is_told(context: BaseContext) -> None:
    """P4: a type that is sound in one process only."""
    with pytest.raises(AssertionError, match="it_crosses_to_a_process_and_back"):
        check_registered_type(broken_types.DiffersElsewhere, context=context, without={"leaks"})


def test_a_type_s_own_count_is_kept() -> None:
    """P4: what a C type has allocated is no block of Python's."""
    with pytest.raises(AssertionError, match="left 200 allocated by the type's own count"):
        check_registered_type(
            broken_types.NeverFrees, context=FORK, allocated=broken_types.allocated
        )


def test_a_type_that_hangs_is_told() -> None:
    """P4: within the time given for one contract."""
    with pytest.raises(AssertionError, match="damage_is_refused"):
        check_registered_type(broken_types.HangsOnDamage, context=FORK, timeout=1.0)


def test_the_parts_are_those_that_its_documentation_names() -> None:
    """P6: a user finds them there, and finds no other."""
    documented = inspect.getdoc(check_registered_type) or ""
    listed = documented.partition("They are: ")[2].partition("timeout:")[0]
    assert set(re.findall(r"``(\w+)``", listed)) == PARTS
    with pytest.raises(ValueError) as caught:
        check_registered_type(Sound, context=FORK, without={"nothing"})
    assert set(str(caught.value).partition("without ")[2].split(", ")) == PARTS
