"""How far a run is: a bar on a terminal, plain lines elsewhere.

It is written to a file object of our own, which has no lock: a pool forks in another thread, and a
worker must not find `sys.stderr` locked by one that it does not have.
"""

from __future__ import annotations

import io
import time
from types import TracebackType
from typing import Protocol, TextIO

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

    def show(self, done: int, failed: int, total: int | None) -> None:
        """Tell how many inputs are done, how many of these failed, and of how many if known."""


def progress(title: str, wanted: bool) -> Progress:
    """A bar if standard error is a terminal, else lines; nothing if not wanted."""
    if not wanted:
        return Silent()
    error = io.TextIOWrapper(open(2, "wb", buffering=0, closefd=False), write_through=True)  # noqa: SIM115
    console = Console(file=error)
    return Bar(title, console) if console.is_terminal else Lines(title, error)


class Silent:
    """Tells nothing."""

    def __enter__(self) -> Silent:
        return self

    def __exit__(self, *error: object) -> None:
        return None

    def show(self, done: int, failed: int, total: int | None) -> None:
        """Nothing."""


class Lines(Silent):
    """A line every two seconds, and one at the end."""

    def __init__(self, title: str, file: TextIO) -> None:
        self._title = title
        self._file = file
        self._total: int | None = None
        self._started = self._told_at = time.monotonic()
        self._told = (0, 0)
        self._now = (0, 0)

    def show(self, done: int, failed: int, total: int | None) -> None:
        """Print a line if the last one is old enough."""
        self._now, self._total = (done, failed), total
        if time.monotonic() - self._told_at >= LINE_EVERY_S:
            self._print()

    def __exit__(self, *error: object) -> None:
        if self._now != self._told:
            self._print()

    def _print(self) -> None:
        self._told_at, self._told = time.monotonic(), self._now
        done, failed = self._now
        failures = f", {failed} failed" if failed else ""
        of_all = "" if self._total is None else f" of {self._total}"
        self._file.write(
            f"{self._title}: {done}{of_all} done{failures}, {self._told_at - self._started:.1f} s\n"
        )


class Bar(Silent):
    """A bar with counts, elapsed and remaining time.

    It is drawn by `show` alone: a thread that draws it would be in the way of fork.
    """

    def __init__(self, title: str, console: Console) -> None:
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
        self._task = self._bar.add_task(title, total=None, failures="")
        self._drawn_at = 0.0

    def __enter__(self) -> Bar:
        self._bar.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._bar.stop()

    def show(self, done: int, failed: int, total: int | None) -> None:
        """Draw the bar, ten times a second at most."""
        now = time.monotonic()
        failures = f"{failed} failed" if failed else ""
        self._bar.update(self._task, completed=done, total=total, failures=failures)
        if now - self._drawn_at >= 0.1 or done == total:
            self._bar.refresh()
            self._drawn_at = now
