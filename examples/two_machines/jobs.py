"""What the server has for its clients: files, the work on them, and the results."""

import asyncio
from collections import deque
from pathlib import Path

from interlock.managers.serving.desk import caller


class Jobs:
    """Files that are to be described, each by one worker, and what was found in them.

    A worker that takes a file holds it until the result is there. Whoever stays away for longer
    than the grace, dead or cut off, holds nothing any more: its file is given to another.

    All methods but `read` run in the server's loop, one at a time.
    """

    def __init__(self, folder: str, names: list[str]):
        self._folder = Path(folder)
        self._names = names
        self._waiting: deque[str] = deque()
        self._results: list[tuple[str, dict[str, object]]] = []
        self._is_over = False
        self._given_again = 0
        self._news = asyncio.Event()

    def names(self) -> list[str]:
        """All files that there are."""
        return self._names

    def read(self, name: str) -> bytes:
        """What is in a file; of others than those named nothing is told."""
        if name not in self._names:
            raise FileNotFoundError(f"{name!r} is no file of this server")
        return (self._folder / name).read_bytes()

    def put(self, names: list[str]) -> None:
        """Have these described."""
        self._waiting.extend(names)
        self._tell()

    async def take(self) -> str | None:
        """Wait for a file to describe; None when there will be no more."""
        session = caller().session
        while not self._waiting:
            if self._is_over:
                return None
            await self._news.wait()
        name = self._waiting.popleft()
        session.hold(name, lambda: self._again(name))
        return name

    def done(self, name: str, result: dict[str, object]) -> None:
        """Give the result for a file that was taken."""
        caller().session.drop(name)
        self._results.append((name, result))
        self._tell()

    async def results(self, seen: int) -> list[tuple[str, dict[str, object]]]:
        """Wait for results behind those that were seen."""
        while len(self._results) <= seen:
            await self._news.wait()
        return self._results[seen:]

    def end(self) -> int:
        """Send the workers home; how often a file was given to a second worker."""
        self._is_over = True
        self._tell()
        return self._given_again

    def _again(self, name: str) -> None:
        self._given_again += 1
        self._waiting.appendleft(name)
        self._tell()

    def _tell(self) -> None:
        """Wake all that wait; they look, and wait for the next news."""
        self._news.set()
        self._news = asyncio.Event()
