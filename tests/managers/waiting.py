"""Waiting for what other threads and processes bring about, with a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

BOUND_S = 20.0


def until(holds: Callable[[], object], bound_s: float = BOUND_S) -> None:
    """Return when it holds; fail if it does not in time."""
    deadline_s = time.monotonic() + bound_s
    while not holds():
        assert time.monotonic() < deadline_s, "it never came true"
        threading.Event().wait(0.01)
