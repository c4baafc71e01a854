"""The contexts under test, and a start method that each test leaves as it was."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from tests.context.choices import METHODS


@pytest.fixture(params=METHODS)
def context(request: pytest.FixtureRequest) -> BaseContext:
    """Each of our contexts in turn."""
    method: str = request.param
    return interlock.get_context(method)


@pytest.fixture
def undecided() -> Iterator[None]:
    """No start method is chosen yet; afterwards it is again what it was."""
    standard: Any = multiprocessing.context
    before = standard._default_context._actual_context
    standard._default_context._actual_context = None
    yield
    standard._default_context._actual_context = before
