"""How long, and how often, a client tries to come back.

The server keeps the session for the time of grace from when it last had a connection of it; each
that it has welcomed gives that time anew. So the client tries for as long as that: what is cut in
the middle of a greeting, or while the calls are sent again, says nothing about the session.

A server that welcomes, and then cuts, again and again, may cut because of what it is sent. So there
is another end: FRUITLESS_MAX such connections in which nothing was brought forward, for as long as
the grace.
"""

from __future__ import annotations

from interlock.managers.calling.greeting import Way
from interlock.managers.wire.bodies import Welcome

__all__ = ["FRUITLESS_MAX", "Patience"]

BACKOFF_S, BACKOFF_MAX_S = 0.02, 1.0
TRIES_MIN = 8  # in the time of grace, however short
FRUITLESS_MAX = 50  # connections that brought nothing forward


class Patience:
    """Of one client; times in seconds, of whatever clock.

    Args:
        way: To the server.

    Attributes:
        pause_s: Before the next try.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._lost_s = self._fruitless_since_s = 0.0
        self._fruitless = 0
        self._welcome: Welcome | None = None
        self.pause_s = 0.0

    def lost(self, now_s: float, welcome: Welcome, *, is_fruitful: bool) -> None:
        """A connection that was welcomed is lost.

        Args:
            now_s: The time.
            welcome: Its welcome.
            is_fruitful: Whether it has brought anything forward.
        """
        self._lost_s, self._welcome = now_s, welcome
        if is_fruitful:
            self._fruitless, self.pause_s = 0, 0.0
            return
        if not self._fruitless:
            self._fruitless_since_s = now_s
        self._fruitless += 1
        self.failed()

    def failed(self) -> None:
        """A try ended before the welcome."""
        most_s = BACKOFF_MAX_S
        if self._welcome is not None:
            most_s = min(most_s, self._welcome.grace_s / TRIES_MIN)
        self.pause_s = min(max(2 * self.pause_s, BACKOFF_S), most_s)

    def left_s(self, now_s: float, last: Exception) -> float:
        """How long the next try may take, behind the pause; not above 0: it is to give up.

        Args:
            now_s: The time.
            last: What the last try, or the connection, ended with.
        """
        welcome = self._welcome
        assert welcome is not None
        nobody = isinstance(last, ConnectionRefusedError | FileNotFoundError)
        end_s = self._lost_s + self._way.patience_s(welcome, nobody=nobody)
        if self._fruitless >= FRUITLESS_MAX:
            end_s = min(end_s, self._fruitless_since_s + welcome.grace_s)
        return end_s - self.pause_s - now_s
