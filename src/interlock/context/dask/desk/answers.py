"""What the desk may answer: a word, and a value with it."""

from __future__ import annotations

from typing import Any

__all__ = [
    "ACT",
    "BROKEN",
    "EMPTY",
    "FULL",
    "GONE",
    "LOST",
    "NOT_HELD",
    "NOT_OWNED",
    "OK",
    "OPERATION",
    "SHUT",
    "TOO_LARGE",
    "TOO_MANY",
    "Answer",
]

Answer = tuple[str, Any]

# The name of the desk's handler. The number goes up when messages change, so that programs with
# different releases of Interlock have each a desk of their own.
OPERATION = "interlock_desk_1"

OK = "ok"
EMPTY = "empty"  # nothing came in the time given
FULL = "full"  # there was no room in the time given
SHUT = "shut"  # the queue was shut down
LOST = "lost"  # a result on the cluster that a message refers to
TOO_LARGE = "too large"
TOO_MANY = "too many"
NOT_HELD = "not held"  # released more often than acquired
NOT_OWNED = "not owned"  # by this caller
BROKEN = "broken"  # a barrier
ACT = "act"  # a barrier: run its action, and say so
GONE = "gone"  # there is no such thing here, or no more such caller
