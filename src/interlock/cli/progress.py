"""How far a run is: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as RichProgress

__all__ = ["Progress", "progress"]

LINE_EVERY_S = 2.0


class Progress(Protocol):
    """What a run tells its progress to."""

    def __enter__(self) -> Progress: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def show(self, done: int, failed: int) -> None:
        """Tell how many inputs are done, and how many of these failed."""


def progress(title: str, total: int, wanted: bool) -> Progress:
    """A bar if standard error is a terminal, else lines; nothing if not wanted."""
    if not wanted:
        return Silent()
    console = Console(stderr=True)
    return Bar(title, total, console) if console.is_terminal else Lines(title, total)


class Silent:
    """Tells nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def show(self, done: int, failed: int) -> None:
        """Nothing."""


class Lines(Silent):
    """A line every two seconds, and one at the end."""

    def __init__(self, title: str, total: int) -> None:
        self._title = title
        self._total = total
        self._started = self._told_at = time.monotonic()
        self._told = (0, 0)
        self._now = (0, 0)

    def show(self, done: int, failed: int) -> None:
        """Print a line if the last one is old enough."""
        self._now = (done, failed)
        if time.monotonic() - self._told_at >= LINE_EVERY_S:
            self._print()

    def __exit__(self, *error: object) -> None:
        if self._now != self._told:
            self._print()

    def _print(self) -> None:
        self._told_at, self._told = time.monotonic(), self._now
        done, failed = self._now
        failures = f", {failed} failed" if failed else ""
        print(
            f"{self._title}: {done} of {self._total} done{failures}, "
            f"{self._told_at - self._started:.1f} s",
            file=sys.stderr,
            flush=True,
        )


class Bar(Silent):
    """A bar with counts, elapsed and remaining time.

    It is drawn by `show` alone: a thread that draws it would be in the way of fork.
    """

    def __init__(self, title: str, total: int, console: Console) -> None:
        self._bar = RichProgress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[failures]}", style="red"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=console,
            auto_refresh=False,
            # The function may print from its workers; their output stays as it is.
            redirect_stdout=False,
            redirect_stderr=False,
            expand=True,
        )
        self._task = self._bar.add_task(title, total=total, failures="")
        self._drawn_at = 0.0

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, done: int, failed: int) -> None:
        """Draw the bar, ten times a second at most."""
        now = time.monotonic()
        failures = f"{failed} failed" if failed else ""
        self._bar.update(self._task, completed=done, failures=failures)
        if now - self._drawn_at >= 0.1 or done == self._bar.tasks[0].total:
            self._bar.refresh()
            self._drawn_at = now
