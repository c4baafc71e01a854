"""What a process has made that its forked children would share, though each needs its own.

A connection to a server that several write to at once, a file's position, a generator of random
numbers that gives all of them the same: who starts processes by a server has not to think of that,
for there each child makes its own when it imports the module. Memory files (memfd) are left out:
they are shared by intent.

Source: proc(5), /proc/PID/fd; fork(2).
"""

from __future__ import annotations

import gc
import os
import stat
import sys
from collections.abc import Iterable
from typing import Any

__all__ = ["has_generators", "has_open"]

_STANDARD = 3  # descriptors of input, output and errors
_MEMORY = "/memfd:"


def has_open(known: Iterable[int]) -> bool:
    """Whether there is a file or a socket that is open, beside those that are known."""
    known = set(known)
    return any(
        fd >= _STANDARD and fd not in known and _is_file(fd)
        for fd in map(int, os.listdir("/proc/self/fd"))
    )


def _is_file(fd: int) -> bool:
    try:
        mode = os.fstat(fd).st_mode
        place = os.readlink(f"/proc/self/fd/{fd}")
    except OSError:  # it was that of the listing
        return False
    return stat.S_ISSOCK(mode) or (stat.S_ISREG(mode) and not place.startswith(_MEMORY))


def has_generators() -> bool:
    """Whether somebody has a generator of random numbers, beside those of the modules themselves.

    These can be seeded anew; of any other nobody knows whether its numbers are to be repeated.
    """
    random, numpy = sys.modules.get("random"), sys.modules.get("numpy.random")
    kinds: tuple[Any, ...] = ()
    own: list[Any] = []
    if random is not None:
        kinds += (random.Random,)
        own += [random._inst]
    if numpy is not None:
        kinds += numpy.Generator, numpy.RandomState
        own += [numpy.mtrand._rand]
    names = getattr(sys.modules.get("tempfile"), "_RandomNameSequence", ())
    found = []
    for each in gc.get_objects():
        kind = type(each)
        if issubclass(kind, kinds) and not (random and issubclass(kind, random.SystemRandom)):
            found.append(each)
        elif issubclass(kind, names):  # it heeds forks
            own.append(getattr(each, "_rng", None))
    return any(all(each is not other for other in own) for each in found)
