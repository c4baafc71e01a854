"""How far many tasks are: a bar on a terminal or in a notebook, plain lines elsewhere (P9)."""

from __future__ import annotations

import sys
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Progress", "shown"]

LINE_EVERY_S = 2.0
DRAW_EVERY_S = 0.1


class Progress:
    """Tells nothing."""

    def __init__(self) -> None:
        self.done = self.failed = 0
        self._lock = threading.RLock()  # what is freed meanwhile may be the iterator it is about
        self._is_closed = False

    def more(self, done: int, failed: int = 0) -> None:
        """So many more tasks are done; so many of these failed."""
        with self._lock:
            self.done += done
            self.failed += failed
            if not self._is_closed:
                with suppress(Exception):  # the terminal is gone: the tasks matter more
                    self.draw()

    def close(self) -> None:
        """It is over."""
        with self._lock:
            if not self._is_closed:
                self._is_closed = True
                with suppress(Exception):
                    self.end()

    def draw(self) -> None:
        """Tell how far it is, if that is due."""

    def end(self) -> None:
        """Tell it for the last time."""


def shown(title: str, total: int | None) -> Progress:
    """A bar where one can be drawn and rich is installed, else lines on standard error.

    Args:
        title: What is done.
        total: How many tasks; None where nobody knows.
    """
    try:
        from rich.console import Console
    except ImportError:
        return _Lines(title, total)
    console = Console(stderr=True)
    if console.is_terminal or console.is_jupyter:
        return _Bar(title, total, console)
    return _Lines(title, total)


class _Lines(Progress):
    """A line every two seconds, and one at the end."""

    def __init__(self, title: str, total: int | None) -> None:
        super().__init__()
        self._title, self._total = title, total
        self._began = self._told = time.monotonic()

    def draw(self) -> None:
        if time.monotonic() - self._told >= LINE_EVERY_S:
            self.end()

    def end(self) -> None:
        now = self._told = time.monotonic()
        rate = self.done / max(now - self._began, 1e-9)
        of = "" if self._total is None else f" of {self._total}"
        failures = f", {self.failed} failed" if self.failed else ""
        rest = ""
        if self._total is not None and 0 < self.done < self._total:
            rest = f", {(self._total - self.done) / rate:.0f} s left"
        if sys.stderr is not None:  # print() would take standard output then
            print(
                f"{self._title}: {self.done}{of} done{failures}, {rate:.1f}/s{rest}",
                file=sys.stderr,
                flush=True,
            )


class _Bar(Progress):
    """A bar with count, rate, failures and remaining time.

    It is drawn by who counts: a thread that draws it would be in the way of fork.
    """

    def __init__(self, title: str, total: int | None, console: Console) -> None:
        super().__init__()
        from rich import progress

        self._bar = progress.Progress(
            progress.TextColumn("{task.description}"),
            progress.BarColumn(bar_width=None),
            progress.MofNCompleteColumn(),
            progress.TextColumn("{task.fields[rate]}"),
            progress.TextColumn("{task.fields[failures]}", style="red"),
            progress.TimeElapsedColumn(),
            progress.TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        self._task: Any = self._bar.add_task(title, total=total, rate="", failures="")
        self._began = time.monotonic()
        self._drawn = 0.0
        self._bar.start()

    def draw(self) -> None:
        if time.monotonic() - self._drawn < DRAW_EVERY_S:
            return
        self._drawn = time.monotonic()
        rate = self.done / max(self._drawn - self._began, 1e-9)
        self._bar.update(
            self._task,
            completed=self.done,
            rate=f"{rate:.1f}/s",
            failures=f"{self.failed} failed" if self.failed else "",
        )
        self._bar.refresh()

    def end(self) -> None:
        self._drawn = 0.0
        self.draw()
        self._bar.stop()
