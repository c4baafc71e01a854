"""The pipe under test, of each context in turn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interlock.context import BaseContext


@pytest.fixture
def pipe(context: BaseContext) -> Iterator[tuple[Any, Any]]:
    """Two ends that send and receive."""
    ends = context.Pipe()
    yield ends
    for end in ends:
        end.close()
