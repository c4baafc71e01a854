"""The functions that the pools' workers run, and what they keep."""

from __future__ import annotations

import time
from typing import Any

from numpy.typing import NDArray

PAGE = 512  # int64 words in a page of 4 KiB
_kept: Any = None


def same(item: Any) -> Any:
    """No work."""
    return item


def busy(seconds: float) -> float:
    """So much time of a processor, however often the task is interrupted."""
    ends = time.thread_time() + seconds
    while time.thread_time() < ends:
        pass
    return seconds


def there_and_back(array: NDArray[Any]) -> NDArray[Any]:
    """A word of each page is read, and the array sent back.

    Raises:
        ValueError: It is not what `roles.array` made.
    """
    number, pages = int(array[0]), array.size // PAGE
    expected = number + (number + 1) * PAGE * (pages * (pages - 1) // 2)
    if int(array[::PAGE].sum()) != expected:
        raise ValueError(f"array {number} arrived damaged")
    return array


def look(value: NDArray[Any], number: int) -> int:
    """One word of the shared object."""
    return int(value[number])


def keep(value: Any) -> Any:
    """An initializer: the worker has the object from now on."""
    global _kept
    _kept = value
    return value


def look_at_kept(number: int) -> int:
    """One word of what `keep` was given."""
    return look(_kept, number)


def look_at(shared: Any, number: int) -> int:
    """One word of what Interlock's `share` returned."""
    return look(shared.value, number)
