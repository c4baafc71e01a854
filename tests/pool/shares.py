"""Tasks that are given something shared, and say what their process has of it."""

from __future__ import annotations

import gc
import itertools
import os
from pathlib import Path
from typing import Any


def look_at(shared: Any, number: int) -> tuple[int, str, int]:
    """A value, and how many bytes of the mapping are this process's own."""
    value = int(shared.value["numbers"][number])
    return value, shared.value["name"], _private_bytes("shared-object")


def _private_bytes(name: str) -> int:
    private = 0
    of_it = False
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if "-" in line.split(" ", 1)[0]:
            of_it = name in line
        elif of_it and line.startswith("Anonymous:"):
            private += int(line.split()[1]) * 1024
    return private


def write_to(shared: Any) -> None:
    shared.value["numbers"][0] = 1


def value_of(shared: Any) -> Any:
    return shared.value


def first_of(shared: Any) -> int:
    return int(shared.value[0])


def shared_mappings(shared: Any) -> int:
    """How many shared objects this process has in its memory."""
    assert shared.value is not None
    gc.collect()
    lines = Path("/proc/self/maps").read_text().splitlines()
    return sum("shared-object" in line for line in lines)


_reads = itertools.count(1)


class CountsReads:
    """A function by value, which tells how often it was read in this process."""

    def __setstate__(self, state: object) -> None:
        self.read = next(_reads)

    def __getstate__(self) -> object:
        return "state"

    def __call__(self, number: int) -> tuple[int, int]:
        return os.getpid(), self.read
