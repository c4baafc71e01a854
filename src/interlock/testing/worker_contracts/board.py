"""Where tasks of any worker, thread or process, say that they have begun, and wait to go on.

Two FIFOs in a folder. Their names travel in any argument, under every start method, and they are
nothing of what is under test. ``said`` has a line for each word; the trial alone reads it.
``gate`` has one byte when it is open, which nobody reads, so that all who wait see it.
A task that is killed leaves nothing: a line is written whole or not at all (PIPE_BUF).
Source: fifo(7).
"""

from __future__ import annotations

import contextlib
import os
import select
import shutil
import tempfile
from dataclasses import dataclass

from interlock.testing.contract import must
from interlock.testing.trial import Trial

__all__ = ["Board", "Post"]

WAIT_MAX_S = 120.0  # of a task whose trial is gone
SILENT_S = 0.2  # what must not happen would have happened by then, on a machine at rest


@dataclass(frozen=True)
class Post:
    """A board's end in a task.

    Attributes:
        folder: Of the FIFOs.
    """

    folder: str

    def say(self, word: object) -> None:
        """Have the trial hear a word."""
        with open(f"{self.folder}/said", "wb", buffering=0) as said:
            said.write(f"{word}\n".encode())

    def stay(self) -> None:
        """Wait until the gate is open, or the trial over."""
        try:
            gate = os.open(f"{self.folder}/gate", os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            return
        try:
            select.select([gate], [], [], WAIT_MAX_S)
        finally:
            os.close(gate)


class Board:
    """A board's end in the trial; it is taken down, with its gate open, at the trial's end."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._folder = tempfile.mkdtemp(prefix="interlock-trial-")
        self._said, self._gate = (self._fifo(name) for name in ("said", "gate"))
        self._rest = b""
        self.post = Post(self._folder)
        trial.keep(self)

    def _fifo(self, name: str) -> int:
        path = f"{self._folder}/{name}"
        os.mkfifo(path)
        return os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def next_word(self) -> str:
        """What a task says, waited for.

        Raises:
            AssertionError: None says anything in time.
        """
        while b"\n" not in self._rest:
            heard = self._read(self._trial.rest_s())
            must(heard, "No task began where one had to.")
        word, _, self._rest = self._rest.partition(b"\n")
        return word.decode()

    def next_words(self, number: int) -> list[str]:
        """So many of them."""
        return [self.next_word() for _ in range(number)]

    def is_silent(self) -> bool:
        """Whether nothing is said, now and in the next moment."""
        return not self._rest and not self._read(SILENT_S)

    def words_left(self) -> list[str]:
        """All that was said and not yet heard."""
        while self._read(0.0):
            pass
        words, self._rest = self._rest.decode().split(), b""
        return words

    def _read(self, within_s: float) -> bool:
        if not select.select([self._said], [], [], within_s)[0]:
            return False
        self._rest += os.read(self._said, 1 << 16)
        return True

    def open_gate(self) -> None:
        """Let all go on that wait, and all that will."""
        os.write(self._gate, b"!")

    def close(self) -> None:
        """Let all go on, and take it down."""
        with contextlib.suppress(OSError):  # a broken trial may end while this is used
            self.open_gate()
        shutil.rmtree(self._folder, ignore_errors=True)
        ends, self._said, self._gate = (self._said, self._gate), -1, -1
        for end in ends:
            os.close(end)
