"""What a journal is told by a server: sessions that begin and end, calls that were run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from interlock.managers.serving.request import Request
from interlock.managers.serving.session import Session

__all__ = ["Recorder"]


class Recorder(Protocol):
    """Keeps what a server must know again after it was killed. All is called in its loop."""

    def began(self, session: Session) -> None:
        """A client is there that was not there before."""

    def ended(self, session: Session) -> None:
        """A session is over, and what it held is let go."""

    def ran(self, session: Session, request: Request) -> None:
        """One more call of a request was run: what it changed and its answer belong together."""

    def answer(self, send: Callable[[], None]) -> None:
        """Call `send` when all that was changed until now is kept."""

    def acknowledged(self, session: Session, number: int) -> None:
        """The client has the answers of a request."""
