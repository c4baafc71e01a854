"""A pool of two workers, on each start method; nothing outlives it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from interlock.context import BaseContext
from interlock.pool import Pool


@pytest.fixture
def pool(context: BaseContext) -> Iterator[Pool]:
    """Of this context's processes."""
    with Pool(2, context=context) as pool:
        yield pool
    pool.join()
