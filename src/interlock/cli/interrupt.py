"""Ctrl-C and SIGTERM as something to wait for, so that they interrupt no step half done."""

from __future__ import annotations

import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

__all__ = ["Interrupt", "signals_held"]

WATCHED = (signal.SIGINT, signal.SIGTERM)


class Interrupt:
    """While it is entered, SIGINT and SIGTERM are only noted.

    A KeyboardInterrupt may come between taking an outcome from its queue and writing
    it down, and the outcome would be lost. So the handler writes down the signal, and
    `fileno` becomes readable.

    Attributes:
        received: The first signal that came; None as long as there was none.
    """

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        self._reader, self._writer = socket.socketpair()
        self._before: list[Any] = []
        self._wakeup_before = -1

    def __enter__(self) -> Interrupt:
        for end in (self._reader, self._writer):
            end.setblocking(False)
        self._before = [signal.signal(number, self._note) for number in WATCHED]
        self._wakeup_before = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        signal.set_wakeup_fd(self._wakeup_before)
        for number, handler in zip(WATCHED, self._before, strict=True):
            signal.signal(number, handler)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        """Readable once a signal has come."""
        return self._reader.fileno()

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = self.received or signal.Signals(number)


@contextmanager
def signals_held() -> Iterator[None]:
    """Block SIGINT and SIGTERM meanwhile; they are not lost.

    In threads and processes that are started here they stay blocked. A worker of a pool unblocks
    them when its own handlers are in place, so that no Ctrl-C meets Python's, which prints a
    traceback.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, WATCHED)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
