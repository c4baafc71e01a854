"""Waiting for what other threads and processes bring about, with a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BOUND_S = 20.0


def until(holds: Callable[[], object]) -> None:
    """Return when it holds; fail if it does not in time."""
    deadline_s = time.monotonic() + BOUND_S
    while not holds():
        assert time.monotonic() < deadline_s, "it never came true"
        threading.Event().wait(0.01)
