"""The contracts about what we have beyond the standard library: each is shown able to fail."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.testing.contract import Contract, Suite
from interlock.testing.worker_contracts import awaited, extras, limits
from interlock.testing.worker_contracts.subject import Pools
from tests.testing.broken_extras import BROKEN, STUCK, Awaits, AwaitsBy

ENOUGH_S = 60.0
STUCK_S = 1.5


def name_of(value: object) -> str:
    """Of a case: what is broken, and by which contract that is told."""
    if isinstance(value, functools.partial):
        return str(value.args[0].__name__)
    return value.name if isinstance(value, Contract) else getattr(value, "__name__", "")


def told_of(broken: Callable[..., Any], contract: Contract, timeout_s: float) -> str:
    """What the suite says of a broken pool."""
    suite = Suite("pool", (contract,))
    with pytest.raises(AssertionError) as caught:
        suite.run(Pools(broken), interlock.get_context("fork"), (), timeout_s)
    return str(caught.value)


@pytest.mark.parametrize(("broken", "contract", "words"), BROKEN, ids=name_of)
def test_a_broken_pool_is_told_by_the_contract_it_breaks(
    broken: Callable[..., Any], contract: Contract, words: str
) -> None:
    """P6: the contract's name, and what happened instead."""
    told = told_of(broken, contract, ENOUGH_S)
    assert told.startswith(f"This pool breaks the contract {contract.name!r}: ")
    assert words in told


@pytest.mark.parametrize(("broken", "contract", "words"), STUCK, ids=name_of)
def test_a_pool_on_which_somebody_waits_is_told(
    broken: Callable[..., Any], contract: Contract, words: str
) -> None:
    """P6: within the time given for the contract."""
    told = told_of(broken, contract, STUCK_S)
    assert told.startswith(f"This pool breaks the contract {contract.name!r}: ")
    assert words in told


def test_every_contract_is_shown_able_to_fail() -> None:
    """P6: of those of these three files."""
    contracts = {*limits.CONTRACTS, *extras.CONTRACTS, *awaited.CONTRACTS}
    assert {contract for _, contract, _ in (*BROKEN, *STUCK)} == contracts


def test_what_surrounds_those_that_await_is_sound() -> None:
    """P6: it is the one difference that the suite finds."""
    sound = functools.partial(AwaitsBy, Awaits)
    suite = Suite("pool", awaited.CONTRACTS)
    suite.run(Pools(sound), interlock.get_context("fork"), (), ENOUGH_S)
