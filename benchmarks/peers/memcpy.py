"""Copying memory to memory in one process: the limit for large messages."""

from __future__ import annotations

import mmap
import time

import numpy as np
from numpy.typing import NDArray

NAME = "memcpy"


def warm(size: int, copies: int) -> float:
    """Seconds for copies between two buffers that are in use already."""
    source = np.ones(size, dtype=np.uint8)
    target = np.zeros(size, dtype=np.uint8)
    np.copyto(target, source)
    start = time.perf_counter()
    for _ in range(copies):
        np.copyto(target, source)
    return time.perf_counter() - start


def first_time(size: int, copies: int) -> float:
    """Seconds for copies into pages that the kernel has not given out yet."""
    source = np.ones(size, dtype=np.uint8)
    taken = 0.0
    for _ in range(copies):
        with mmap.mmap(-1, size) as fresh:
            target: NDArray[np.uint8] = np.frombuffer(fresh, dtype=np.uint8)
            start = time.perf_counter()
            np.copyto(target, source)
            taken += time.perf_counter() - start
            del target
    return taken
