"""A lock of a server, for programs on many machines."""

from __future__ import annotations

from types import TracebackType

from interlock.errors import LockNotHeld
from interlock.managers.named.place import AsyncNamed, Named
from interlock.managers.named.steps import Call, Fenced, Steps
from interlock.managers.served.thing import Fence

__all__ = ["AsyncLock", "Lock"]


class _Has:
    """What one object in a program knows of the lock that it has."""

    def __init__(self) -> None:
        self.number = 0
        self.ticket = self.token = 0

    def fence(self) -> Fence:
        """As `Fenced.fence`."""
        if not self.token:
            raise LockNotHeld("The lock is not held by this object; acquire it first.")
        return self.number, self.token

    def acquired(self, ticket: int, block: bool, timeout: float | None) -> Steps[bool]:
        limit_s = (0.0 if not block else timeout) if timeout is None or timeout > 0 else 0.0
        token = yield Call("acquire", (ticket, limit_s), undo=("abandon", ticket))
        if token:
            self.ticket, self.token = ticket, token
        return bool(token)

    def released(self) -> Steps[None]:
        if not self.token:
            raise LockNotHeld("The lock is not held by this object, and so not released.")
        ticket, self.ticket, self.token = self.ticket, 0, 0
        yield Call("release", (ticket,))


def _is_held() -> Steps[bool]:
    held, _, _ = yield Call("state")
    return bool(held)


class Lock(Named):
    """A lock by name; whose client is gone has it no more when the grace has ended.

    If a process dies: who has it: the next one has it when the grace has ended, with a higher
    token.
    """

    kind = "lock"
    _has: _Has

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Take the lock, first come, first served.

        Args:
            block: Whether to wait for it.
            timeout: Seconds; None for as long as it takes.

        Raises:
            ServerGone: The server ended, or forgot this client.

        If a process dies: as `Lock`.
        """
        return self._run(self._mine().acquired(next(self._house.tickets), block, timeout))

    def release(self) -> None:
        """Give it back.

        Raises:
            LockNotHeld: This object has not got it, or was away for longer than the grace.
        """
        self._run(self._mine().released())

    @property
    def token(self) -> int:
        """With which it was given out: higher than ever before. 0 if it is not held here."""
        return self._mine().token

    def locked(self) -> bool:
        """Whether anybody has it."""
        return self._run(_is_held())

    @property
    def aio(self) -> AsyncLock:
        """The same lock for asyncio."""
        twin: AsyncLock = self._twin()
        return twin

    def fence(self) -> Fenced:
        """For `Dict.under`."""
        return self._mine()

    def __enter__(self) -> int:
        self.acquire()
        return self.token

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    def _mine(self) -> _Has:
        try:
            return self._has
        except AttributeError:
            self._has = _Has()
            self._has.number = self._reference.id
            return self._has


class AsyncLock(AsyncNamed):
    """`Lock`, to be awaited.

    If a process dies: as `Lock`.
    """

    kind = "lock"
    _has: _Has

    async def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """As `Lock.acquire`, awaited."""
        await self._there()
        return await self._run(self._mine().acquired(next(self._house.tickets), block, timeout))

    async def release(self) -> None:
        """As `Lock.release`, awaited."""
        await self._run(self._mine().released())

    @property
    def token(self) -> int:
        """As `Lock.token`."""
        return self._mine().token

    async def locked(self) -> bool:
        """As `Lock.locked`, awaited."""
        return await self._run(_is_held())

    def fence(self) -> Fenced:
        """As `Lock.fence`."""
        return self._mine()

    async def __aenter__(self) -> int:
        await self.acquire()
        return self.token

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.release()

    def _mine(self) -> _Has:
        try:
            return self._has
        except AttributeError:
            self._has = _Has()
        if self._opened is not None:
            self._has.number = self._opened[1].id
        return self._has
