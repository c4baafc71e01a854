"""What a suite must tell of something that breaks one of its contracts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import interlock


def must_tell(
    check: Callable[..., None],
    broken: Callable[..., Any],
    contract: str,
    without: set[str],
    words: str,
) -> None:
    """Try it.

    Args:
        check: The suite: `check_pool`, or another one.
        broken: What breaks a contract.
        contract: Which.
        without: What it need not have.
        words: That the error has in it, as a regular expression.

    Raises:
        AssertionError: Another contract is told, or something else of it.
    """
    kind = check.__name__.removeprefix("check_")
    with pytest.raises(AssertionError) as caught:
        check(broken, context=interlock.get_context("fork"), without=without)
    assert str(caught.value).startswith(f"This {kind} breaks the contract {contract!r}: ")
    assert caught.match(words)
