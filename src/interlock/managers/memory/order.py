"""In which order the items of a list come: runs of consecutive numbers.

Each item has a number that is never used again. The order is a sequence of runs, each of so many
consecutive numbers: a list that only grows is one run. As bytes, all of 8: the next number that is
free, where each run ends in the list, the first number of each.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from itertools import chain

__all__ = ["Order"]

Run = tuple[int, int]  # the first number, and how many


class Order:
    """The order of a list at one moment; never changed.

    Args:
        free: The next number.
    """

    __slots__ = ("ends", "free", "starts")

    def __init__(self, free: int) -> None:
        self.free = free
        self.ends, self.starts = array("q"), array("q")

    @classmethod
    def read(cls, data: bytes) -> Order:
        """The one whose bytes these are."""
        words = array("q", data)
        runs = len(words) // 2
        one = cls.__new__(cls)
        one.free, one.ends, one.starts = words[0], words[1 : 1 + runs], words[1 + runs :]
        return one

    def __bytes__(self) -> bytes:
        return array("q", (self.free,)).tobytes() + self.ends.tobytes() + self.starts.tobytes()

    def __len__(self) -> int:
        return self.ends[-1] if self.ends else 0

    @property
    def runs(self) -> Iterator[Run]:
        """The runs."""
        begin = 0
        for end, start in zip(self.ends, self.starts, strict=True):
            yield start, end - begin
            begin = end

    def number_at(self, index: int) -> int:
        """The number of the item there.

        Raises:
            IndexError: There is none.
        """
        if not 0 <= index < len(self):
            raise IndexError("list index out of range")
        run = bisect_right(self.ends, index)
        return self.starts[run] + index - (self.ends[run - 1] if run else 0)

    def numbers(self) -> Iterator[int]:
        """The numbers of all items, in order."""
        return chain.from_iterable(range(start, start + count) for start, count in self.runs)

    def spliced(self, begin: int, end: int, count: int) -> Order:
        """With so many new items in place of those from `begin` to before `end`."""
        one = Order.__new__(Order)
        one.free = self.free + count
        if begin == end == len(self) and self.ends and self._behind_last() == self.free:
            one.ends, one.starts = self.ends[:], self.starts
            one.ends[-1] += count
            return one
        first, last = bisect_right(self.ends, begin), bisect_left(self.ends, end)
        runs = [
            *self._cut(first, 0, begin),
            (self.free, count),
            *self._cut(last, end, len(self)),
        ]
        runs = [run for run in runs if run[1]]
        one.ends, one.starts = self.ends[:first], self.starts[:first]
        at = one.ends[-1] if first else 0
        for start, length in runs:
            at += length
            one.ends.append(at)
            one.starts.append(start)
        shift = count - (end - begin)
        one.ends.extend([known + shift for known in self.ends[last + 1 :]])
        one.starts.extend(self.starts[last + 1 :])
        return one

    def _cut(self, run: int, begin: int, end: int) -> list[Run]:
        """What of a run lies between these places in the list."""
        if run >= len(self.ends):
            return []
        first = self.ends[run - 1] if run else 0
        begin, end = max(begin, first), min(end, self.ends[run])
        return [(self.starts[run] + begin - first, max(0, end - begin))]

    def part(self, begin: int, end: int) -> list[Run]:
        """The runs of the items from `begin` to before `end`."""
        first, last = bisect_right(self.ends, begin), bisect_left(self.ends, end)
        return [cut for run in range(first, last + 1) for cut in self._cut(run, begin, end)]

    def _behind_last(self) -> int:
        before = self.ends[-2] if len(self.ends) > 1 else 0
        return self.starts[-1] + self.ends[-1] - before
