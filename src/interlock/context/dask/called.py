"""Called: a coroutine in the client's event loop, and a thread that waits for it.

An exception may come into that thread between any two of its steps: Ctrl-C, the end of a process,
the timeout of a task. So the thread takes no lock of Python code here, as it would in a
`concurrent.futures.Future`: one that it left taken would stop the event loop, and with it all of
the worker or the program. There is one lock, which is acquired in C and only ever waited for.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Generic, TypeVar

__all__ = ["Called"]

T = TypeVar("T")


class Called(Generic[T]):
    """A coroutine that is begun at most once, however often that is asked for.

    Args:
        loop: Where it runs.
        call: Gives the coroutine, in the loop.

    Attributes:
        value: What it returned, when it has.
        error: What it raised, when it has.
    """

    value: T

    def __init__(
        self, loop: asyncio.AbstractEventLoop, call: Callable[[], Coroutine[Any, Any, T]]
    ) -> None:
        self.error: BaseException | None = None
        self._loop = loop
        self._call = call
        self._task: asyncio.Task[None] | None = None
        self._is_over = False
        self._told: list[Callable[[Called[T]], object]] = []
        self._done = threading.Lock()
        self._done.acquire()

    def begin(self) -> None:
        """Have it run.

        Raises:
            RuntimeError: The loop is closed.
        """
        self._loop.call_soon_threadsafe(self._begin)

    def wait(self, timeout: float) -> bool:
        """Wait so many seconds; whether it is done.

        Raises:
            KeyboardInterrupt: Ctrl-C, or another exception from outside; it may be asked again.

        If a process dies: the coroutine tells of that.
        """
        return self._done.acquire(timeout=timeout) or self._is_over

    def result(self) -> T:
        """What it returned, of one that is done; or raise what it raised.

        Raises:
            Exception: See there.

        If a process dies: the coroutine tells of that.
        """
        if self.error is not None:
            raise self.error
        return self.value

    def then(self, tell: Callable[[Called[T]], object]) -> None:
        """Have it called in the loop, with this, when it is done."""
        self._loop.call_soon_threadsafe(self._then, tell)

    def cancel(self) -> None:
        """Have it not run, or end by a cancellation."""
        self._loop.call_soon_threadsafe(self._cancel)

    # ---- in the event loop ---------------------------------------------------------

    def _begin(self) -> None:
        if self._task is None and not self._is_over:
            self._task = self._loop.create_task(self._run())

    async def _run(self) -> None:
        try:
            self.value = await self._call()
        except BaseException as error:
            self.error = error
        self._is_over = True
        self._done.release()
        while self._told:
            self._told.pop()(self)

    def _then(self, tell: Callable[[Called[T]], object]) -> None:
        if self._is_over:
            tell(self)
        else:
            self._told.append(tell)

    def _cancel(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._is_over = True
