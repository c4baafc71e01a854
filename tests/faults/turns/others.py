"""Threads that make turns while another process is killed, and are told or not told of it."""

from __future__ import annotations

import select
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

from interlock.errors import AbandonedLockWarning
from tests.faults.survivor import STALL_S

PATIENCE_S = 20.0


def let_others_run() -> None:
    """Give up the interpreter's lock, and the processor, for a moment."""
    select.select([], [], [], 0)


class Told:
    """Whether this thread is warned in the block; warnings.catch_warnings is for all threads."""

    _here = threading.local()

    def __enter__(self) -> Told:
        self.of_a_death = False
        self._here.told = self
        warnings.simplefilter("always")
        vars(warnings)["showwarning"] = self._show
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._here.told = None

    @classmethod
    def _show(cls, message: Warning | str, category: type[Warning], *rest: Any) -> None:
        if issubclass(category, AbandonedLockWarning):
            cls._here.told.of_a_death = True


class Others:
    """Threads of this process that make turns until they are told to end; one for each turn.

    A turn returns whether it was told that an owner died. `state` is what a failure shows.
    """

    def __init__(self, turns: Sequence[Callable[[], bool]], state: Callable[[], object]) -> None:
        self._made: list[bool] = []  # turns, and whether one was told
        self._state, self._over = state, threading.Event()
        self._failures: list[BaseException] = []
        self._threads = [
            threading.Thread(target=self._run, args=(turn,), daemon=True) for turn in turns
        ]

    def __enter__(self) -> Others:
        for thread in self._threads:
            thread.start()
        return self

    def _run(self, turn: Callable[[], bool]) -> None:
        try:
            while not self._over.is_set():
                self._made.append(turn())
        except BaseException as error:
            self._failures.append(error)

    @property
    def told(self) -> int:
        """In how many turns one was told that an owner died."""
        return sum(self._made)

    def wait_for_turns(self, count: int) -> None:
        """Until they have made so many more."""
        goal, bound = len(self._made) + count, time.monotonic() + 10 * STALL_S
        while len(self._made) < goal and not self._failures:
            assert time.monotonic() < bound, f"stuck: {self._state()}"
            let_others_run()

    def __exit__(self, *exc_info: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10 * STALL_S)
            assert not thread.is_alive(), f"stuck: {self._state()}"
        for failure in self._failures:
            raise failure


def wait_for_end(child: Any) -> None:
    """Until a child has died at its point; one that does not come to it is ended."""
    child.join(PATIENCE_S)
    if child.is_alive():
        child.terminate()
        child.join()
