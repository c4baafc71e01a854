"""Hands the inputs to the pool: read ahead in a thread of its own, but only so far.

    a source --chunks--> [_read, a thread] --bounded--> __next__ (the pool's thread) --> workers

The number of an input is its place among those that this run does: the pool counts the same way, so
what it says of "task 17" is of the input with that number. `begun` has those under way.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Protocol

from interlock.cli.map.inputs.sources import Inputs

__all__ = ["Feed", "Held", "Item"]

AHEAD_BYTES = 4 << 20  # that are read ahead of the pool; a list of some thousand files is whole
ITEM_BYTES = 100  # that an input has here beside those it came in
SPAN = 2048  # inputs that may be under way or wait for one before them, if lines are in order
LAST_S = 0.003  # see __next__

Item = tuple[int, int, object, int]
"""Its number, its place among all inputs, the input, the how manieth attempt this is, from 1."""


class Held(Protocol):
    """What the results hold already."""

    def take(self, given: object) -> bool:
        """Whether they have a line for this input that stands for no earlier one."""


class Feed(Iterator[Item]):
    """The inputs that are still to be done, one after the other.

    Args:
        inputs: All inputs.
        held: Those that are done already.
        span: How far the numbers under way may be apart; None for any distance.
        keep: Whether to keep all inputs, for another run over them.

    Attributes:
        begun: What the pool was given and `settle` was not told of, by number.
        skipped: How many are done already.
        kept: All that were read, if they are kept.
        total: How many inputs there are; None until that is known.
    """

    def __init__(
        self, inputs: Inputs, held: Held, *, span: int | None = None, keep: bool = False
    ) -> None:
        self.begun: dict[int, Item] = {}
        self.skipped = 0
        self.kept: list[object] | None = [] if keep else None
        self.total = inputs.total
        self._inputs = inputs
        self._held = held
        self._span = span
        self._changed = threading.Condition()
        self._chunks: deque[tuple[list[tuple[int, object]], int]] = deque()
        self._ahead_bytes = 0  # of the chunks
        self._current: deque[tuple[int, object]] = deque()
        self._next_number = 0
        self._written = 0  # numbers below it have their line
        self._is_ended = self._is_closed = False
        self._error: BaseException | None = None

    def start(self) -> None:
        """Begin to read."""
        threading.Thread(target=self._read, name="interlock-map-input", daemon=True).start()

    def wait_first(self) -> bool:
        """Wait for the first input that is to be done; False if there is none.

        Raises:
            Unusable: The inputs cannot be read, or there is none at all.

        If a process dies: who was to write the input and died has ended it.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._is_at_hand() or self._is_ended)
            if self._is_at_hand():
                return True
        self.check()
        if self.total == 0:
            raise self._inputs.none()
        return False

    def check(self) -> None:
        """Raise what went wrong with the reading, if something did."""
        if self._error is not None:
            raise self._error

    def written(self, number: int) -> None:
        """All inputs below this number have their line."""
        if self._span is not None:
            with self._changed:
                self._written = number
                self._changed.notify_all()

    def close(self) -> None:
        """Give no more."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()

    # ---- the pool's thread -------------------------------------------------------

    def __next__(self) -> Item:
        """The next input; what is read is handed on though the source may be silent from now on.

        The pool gathers short tasks for up to a millisecond before it hands them to the workers,
        and while it waits in here for the next one it hands on none. So the last one that is there
        is given after that millisecond, which makes the pool hand on all it has.
        """
        if not self._may_go_on() or not self._current or self._is_closed:
            with self._changed:
                self._changed.wait_for(lambda: self._may_go_on() or self._is_over())
                if self._is_over():
                    raise StopIteration
                if not self._current:
                    chunk, size = self._chunks.popleft()
                    self._current.extend(chunk)
                    self._ahead_bytes -= size
                    self._changed.notify_all()
        place, given = self._current.popleft()
        number = self._next_number
        self._next_number = number + 1
        item = self.begun[number] = (number, place, given, 1)
        if not self._may_go_on():
            with self._changed:
                self._changed.wait_for(lambda: self._may_go_on() or self._is_over(), LAST_S)
        return item

    def _is_at_hand(self) -> bool:
        return bool(self._current or self._chunks)

    def _may_go_on(self) -> bool:
        if not self._is_at_hand():
            return False
        return self._span is None or self._next_number - self._written < self._span

    def _is_over(self) -> bool:
        return self._is_closed or (self._is_ended and not self._is_at_hand())

    # ---- the thread that reads ---------------------------------------------------

    def _read(self) -> None:
        error: BaseException | None = None
        place = 0
        try:
            for chunk in self._inputs.chunks():
                left = []
                for given in chunk.inputs:
                    if self._held.take(given):
                        self.skipped += 1
                    else:
                        left.append((place, given))
                    place += 1
                if self.kept is not None:
                    self.kept += chunk.inputs
                if not self._hand_in(left, chunk.size + ITEM_BYTES * len(left)):
                    return
        except BaseException as raised:  # it is raised where the run looks: `check`
            error = raised
        with self._changed:
            self._is_ended = True
            self._error = error
            if error is None:
                self.total = place
            self._changed.notify_all()

    def _hand_in(self, chunk: list[tuple[int, object]], size: int) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: self._ahead_bytes < AHEAD_BYTES or self._is_closed)
            if chunk:
                self._chunks.append((chunk, size))
                self._ahead_bytes += size
                self._changed.notify_all()
            return not self._is_closed
