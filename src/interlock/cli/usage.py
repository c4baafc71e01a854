"""What the caller of the command did wrong, in one sentence that says what to write instead."""

from __future__ import annotations

import os
import re

from interlock.errors import InterlockError

__all__ = ["Unusable", "workers_from"]


class Unusable(InterlockError):
    """An argument of the command cannot be used (exit status 2)."""


def workers_from(text: str | None) -> int:
    """How many workers to start: the number given, else the CPUs we may run on.

    Raises:
        Unusable: It is not a whole number of at least 1.
    """
    if text is None:
        # Not os.cpu_count(): a container or `taskset` may leave us only some of them.
        return len(os.sched_getaffinity(0))
    number = int(text) if re.fullmatch(r"\+?[0-9]{1,100}", text) else 0
    if number < 1:
        raise Unusable(
            f"--workers {text}: give a whole number of at least 1, such as --workers 4, "
            "or leave it out to use every CPU"
        )
    return number
