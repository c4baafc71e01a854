"""What the pool runs for each input: the function, with its random numbers, timed."""

from __future__ import annotations

import hashlib
import os
import random
import sys
from collections.abc import Callable
from typing import Any

from interlock.cli.map.inputs.feed import Item
from interlock.cli.map.work.outcome import TUPLE, attempt

__all__ = ["Task"]


class Task:
    """A function that takes an item of the feed and gives an outcome as a tuple.

    Args:
        function: What the user wants to run.
        seed: For the random numbers; None to leave them alone.
    """

    def __init__(self, function: Callable[[Any], object], seed: int | None = None) -> None:
        self._function = function
        self._seed = seed

    def __call__(self, item: Item) -> TUPLE:
        """Run one attempt of one input."""
        number, place, given, attempts = item
        if self._seed is not None:
            seed_generators(self._seed, place)
        return attempt(self._function, number, given, attempts, os.getpid()).as_tuple()


def seed_generators(seed: int, place: int) -> None:
    """Seed `random`, and numpy's if that is imported, by the seed and the input's place.

    By the place, not by the input: the same input given a hundred times is a hundred samples. Each
    attempt begins with the same numbers, whichever worker makes it.
    """
    digest = hashlib.blake2b(f"{seed}:{place}".encode(), digest_size=16).digest()
    random.seed(digest)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        words = [int.from_bytes(digest[at : at + 4], "little") for at in range(0, 16, 4)]
        numpy.random.seed(words)
