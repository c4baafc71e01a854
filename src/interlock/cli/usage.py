"""What the caller of the command did wrong, in one sentence that says what to write instead."""

from __future__ import annotations

import os

from interlock.errors import InterlockError

__all__ = ["Unusable", "workers_from", "writable"]


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
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise Unusable(
            f"--workers {text}: give a whole number of at least 1, such as --workers 4, "
            "or leave it out to use every CPU"
        )
    return number


def writable(path: str) -> int:
    """Open a file for the results, emptied; its descriptor.

    Raises:
        Unusable: It cannot be written.
    """
    folder = os.path.dirname(path) or "."
    if path == "-":
        raise Unusable("--out -: standard output is for the table; give a file to write")
    if os.path.isdir(path):
        raise Unusable(
            f"--out {path}: that is a folder; give a file in it, such as {path}/results.jsonl"
        )
    if not os.path.isdir(folder):
        raise Unusable(
            f"--out {path}: there is no folder {folder}; create it with `mkdir -p {folder}`"
        )
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
    except OSError as error:
        raise Unusable(
            f"--out {path}: it cannot be written ({error.strerror}); give a file in a folder "
            "that you may write"
        ) from error
