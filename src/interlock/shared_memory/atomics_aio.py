"""Atomics, awaited under asyncio and Trio (P10)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from interlock.synchronize.aio import tried

if TYPE_CHECKING:
    from interlock.shared_memory.atomics import _Atomic

__all__ = ["AwaitableAtomic"]

N = TypeVar("N", int, float, bool)


class AwaitableAtomic(Generic[N]):
    """An atomic whose `wait` is awaited."""

    def __init__(self, atomic: _Atomic[N]) -> None:
        self._atomic: _Atomic[N] = atomic

    async def wait(self, value: N, timeout: float | None = None) -> bool:
        """Wait as long as it has this value.

        Args:
            value: What it has, as far as the caller knows.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it has another one. False when the time is over.

        Raises:
            OSError: No descriptor is left for the bell.

        If a process dies: one that was changing it: who waits returns within 100 ms.
        """
        atomic = self._atomic

        def has_changed() -> bool:
            return bool(atomic.wait(value, 0))

        def arm() -> bool:
            atomic._ask_to_ring()
            return has_changed()

        return await tried(has_changed, atomic._bell_fd, arm, timeout)
