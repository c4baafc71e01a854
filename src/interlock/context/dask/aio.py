"""What waits at the desk, or for a task, awaited under asyncio and Trio (P10)."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from interlock.context.dask.link import Link
from interlock.pool.aio import _value_of

if TYPE_CHECKING:
    from interlock.context.dask.handles import Handle

__all__ = ["AsyncHandle", "awaited"]

T = TypeVar("T")


async def awaited(link: Link, coroutine: Coroutine[Any, Any, T]) -> T:
    """Run it in the client's event loop, and await it in the caller's.

    Raises:
        Exception: What it raised.

    If a process dies: what the coroutine has for that.
    """
    return await _value_of(link.begin(coroutine))


class AsyncHandle(Generic[T]):
    """The awaitable view of a handle."""

    def __init__(self, handle: Handle[T]) -> None:
        self._handle = handle

    async def get(self, timeout: float | None = None) -> T:
        """As `Handle.get`, awaited."""
        value: T = await awaited(self._handle._link, self._handle._value(timeout))
        return value

    async def wait(self, timeout: float | None = None) -> bool:
        """As `Handle.wait`, awaited."""
        return await awaited(self._handle._link, self._handle._done(timeout))
