"""The suite on Dask and Ray, in a file of its own: `tests/beside.py` runs it in its own process."""

from __future__ import annotations

from tests.conformance.contexts.test_contexts import (
    pytestmark,
    test_a_promise_is_kept_or_said_not_to_be,
    test_what_is_absent_says_what_to_use_instead,
)

__all__ = [
    "pytestmark",
    "test_a_promise_is_kept_or_said_not_to_be",
    "test_what_is_absent_says_what_to_use_instead",
]
