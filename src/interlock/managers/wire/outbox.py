"""What one side of a connection has to write: parts of large messages by turns with small ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

__all__ = ["Outbox"]

_JOINED_MAX = 64 * 1024


class Outbox:
    """Messages as their pieces, which are asked for when there is room to write.

    Each lane in turn gives one piece, so a small message waits for at most one chunk of each large
    one of other lanes; those of one lane go one after another. What is one piece and of no lane
    goes first; behind so much of it as is written at once comes a piece of a large one.
    """

    def __init__(self) -> None:
        self._lanes: dict[int, deque[Iterator[list[Any]]]] = {}  # the first is next
        self._whole: deque[bytes] = deque()
        self._own = 0

    def __bool__(self) -> bool:
        return bool(self._whole or self._lanes)

    def add_whole(self, message: bytes) -> None:
        """Take a message that is one piece."""
        self._whole.append(message)

    def add(self, pieces: Iterator[list[Any]], lane: int | None = None) -> None:
        """Take a message, as `frames.pieces` gives it; without a lane it has one of its own."""
        if lane is None:
            self._own -= 1
            lane = self._own
        self._lanes.setdefault(lane, deque()).append(pieces)

    def take(self) -> list[Any]:
        """Bytes-like objects to be written next; none if there is nothing.

        Small messages are joined, up to 64 KiB.
        """
        small: list[bytes] = []
        size = 0
        while self._whole and size < _JOINED_MAX:
            small.append(self._whole.popleft())
            size += len(small[-1])
        if not self._lanes:
            return [small[0] if len(small) == 1 else b"".join(small)] if small else []
        size = 0  # a lane has its turn
        while self._lanes and size < _JOINED_MAX:
            lane = next(iter(self._lanes))
            messages = self._lanes.pop(lane)
            piece = next(messages[0], None)
            if piece is None:
                messages.popleft()
            if messages:
                self._lanes[lane] = messages
            if piece is None:
                continue
            if len(piece) > 1:
                return [b"".join((*small, piece[0])), *piece[1:]]
            small.append(piece[0])
            size += len(piece[0])
        return [b"".join(small)] if small else []

    def clear(self) -> None:
        """Forget all of it: the connection is gone."""
        self._whole.clear()
        self._lanes.clear()
