"""A start method that each test leaves as it was."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from typing import Any

import pytest


@pytest.fixture
def undecided() -> Iterator[None]:
    """No start method is chosen yet; afterwards it is again what it was."""
    standard: Any = multiprocessing.context
    before = standard._default_context._actual_context
    standard._default_context._actual_context = None
    yield
    standard._default_context._actual_context = before
