"""What one side of a connection has to write: parts of large messages by turns with small ones."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

__all__ = ["Outbox"]

_JOINED_MAX = 64 * 1024


class Outbox:
    """Messages as their pieces, which are asked for when there is room to write.

    Each message in turn gives one piece, so a small one waits for at most one chunk of each large
    one before it.
    """

    def __init__(self) -> None:
        self._messages: deque[Iterator[list[Any]]] = deque()

    def __bool__(self) -> bool:
        return bool(self._messages)

    def add(self, pieces: Iterator[list[Any]]) -> None:
        """Take a message, as `frames.pieces` gives it."""
        self._messages.append(pieces)

    def take(self) -> list[Any]:
        """Bytes-like objects to be written next; none if there is nothing.

        Small messages are joined, up to 64 KiB.
        """
        small: list[bytes] = []
        size = 0
        while self._messages:
            message = self._messages.popleft()
            piece = next(message, None)
            if piece is None:
                continue
            self._messages.append(message)
            if len(piece) > 1:
                return [b"".join((*small, piece[0])), *piece[1:]]
            small.append(piece[0])
            size += len(piece[0])
            if size > _JOINED_MAX:
                break
        return [b"".join(small)] if small else []

    def clear(self) -> None:
        """Forget all of it: the connection is gone."""
        self._messages.clear()
