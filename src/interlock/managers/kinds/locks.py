"""Locks of a server: a client that waits costs no thread, and one that is gone holds nothing.

Who has a lock is a thread or task of a client: the session and its lane. When the session ends
(the client says so, or has been away for the time of grace), the lock goes to the next, as if it
had been released; so it is if the client waits no more when its answer comes. Each time it is given
out its token is one higher (serving/fences.py).

All of it runs in the server's loop; nothing here is changed between two awaits by another thread.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from typing import Any

from interlock.managers.kinds.turns import Turns, seconds
from interlock.managers.serving.desk import caller
from interlock.managers.serving.fences import FencingToken
from interlock.managers.serving.session import Session

__all__ = ["BoundedSemaphore", "Condition", "Lock", "RLock", "Semaphore"]

Owner = tuple[Session, int]


def _me() -> Owner:
    who = caller()
    return who.session, who.lane


class Lock:
    """A lock that anybody may release, as `threading.Lock`."""

    _is_reentrant = False

    def __init__(self) -> None:
        self._identity = secrets.randbits(62)
        self._number = 0
        self._owner: Owner | None = None
        self._depth = 0
        self._turns = Turns()

    async def acquire(
        self, blocking: bool = True, timeout: float | None = None
    ) -> FencingToken | bool:
        """The token under which the caller has it now; False if it was not free in time.

        Raises:
            ValueError: The arguments contradict each other.

        If a process dies: the one that has it: it is passed on when the client's grace has ended.
        """
        limit_s = seconds(blocking, timeout)
        me = _me()
        if self._is_reentrant and self._owner == me:
            self._depth += 1
        elif self._owner is None and not self._turns:
            self._give(me)
        elif limit_s == 0.0 or not await self._waited(me, limit_s):
            return False
        number = self._number
        caller().unless_known(lambda: self._untaken(me, number))
        return self._token()

    def _untaken(self, owner: Owner, number: int) -> None:
        """Who was given it does not know: it was interrupted, or is gone."""
        if self._owner == owner and self._number == number:
            self._released()

    async def _waited(self, me: Owner, limit_s: float | None, depth: int = 1) -> bool:
        waiter = self._turns.enter()
        try:
            if not await self._turns.wait(waiter, limit_s):
                return False
        except asyncio.CancelledError:
            if Turns.was_woken(waiter):
                self._pass_on()
            raise
        self._give(me, depth)
        return True

    async def _again(self, me: Owner, depth: int) -> None:
        """For who has waited for a condition."""
        if self._owner is None and not self._turns:
            self._give(me, depth)
        else:
            await self._waited(me, None, depth)

    def _give(self, owner: Owner, depth: int = 1) -> None:
        self._number += 1
        self._owner, self._depth = owner, depth
        owner[0].hold(self, self._pass_on)

    def _token(self) -> FencingToken:
        return FencingToken(self._identity, self._number)

    def release(self) -> None:
        """Let the next have it.

        Raises:
            RuntimeError: Nobody has it; or, of an RLock, another has.
        """
        if self._owner in (None, _ON_ITS_WAY):
            raise RuntimeError("release unlocked lock")
        if self._is_reentrant and self._owner != _me():
            raise RuntimeError("cannot release un-acquired lock")
        self._released()

    def _released(self) -> None:
        self._depth -= 1
        if not self._depth:
            self._let_go()

    def _let_go(self) -> int:
        depth, owner = self._depth, self._owner
        if owner is not None:
            owner[0].drop(self)
        self._pass_on()
        return depth

    def _pass_on(self) -> None:
        """To the first that waits: it is his, although he does not know yet."""
        self._owner, self._depth = None, 0
        if self._turns.wake():
            self._owner = _ON_ITS_WAY

    def token(self) -> FencingToken:
        """The token of the caller, who has it.

        Raises:
            RuntimeError: He has not.
        """
        if self._owner != _me():
            raise RuntimeError("the token of a lock is for who has it")
        return self._token()

    def locked(self) -> bool:
        """Whether anybody has it."""
        return self._owner is not None

    def __repr__(self) -> str:
        state = "locked" if self._owner is not None else "unlocked"
        return f"<managed {type(self).__name__}, {state}, {len(self._turns)} waiting>"


_ON_ITS_WAY: Any = (None, 0)


class RLock(Lock):
    """A lock that its owner may acquire again, and nobody else release."""

    _is_reentrant = True


class Semaphore:
    """So many may pass; of a client that is gone, its permits are given back.

    Anybody may release, as with `threading.Semaphore`: one that has none gives back another's.
    """

    _most: int | None = None

    def __init__(self, value: int = 1) -> None:
        if value < 0:
            raise ValueError("semaphore initial value must be >= 0")
        self._value = value
        self._held: Counter[Session] = Counter()
        self._turns = Turns()

    async def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Whether it passed in time.

        Raises:
            ValueError: The arguments contradict each other.

        If a process dies: one that has passed: its permits are given back when the client's grace
            has ended.
        """
        limit_s = seconds(blocking, timeout)
        session = caller().session
        if self._value and not self._turns:
            self._value -= 1
        elif limit_s == 0.0 or not await self._waited(limit_s):
            return False
        self._held[session] += 1
        session.hold(self, lambda: self._lost(session))
        caller().unless_known(lambda: self._untaken(session))
        return True

    def _untaken(self, session: Session) -> None:
        """Who was let pass does not know: it was interrupted, or is gone."""
        if self._held.get(session):
            self._held[session] -= 1
            self._forget_empty()
            self._add(1)

    async def _waited(self, limit_s: float | None) -> bool:
        waiter = self._turns.enter()
        try:
            return await self._turns.wait(waiter, limit_s)
        except asyncio.CancelledError:
            if Turns.was_woken(waiter):
                self._add(1)
            raise

    def release(self, n: int = 1) -> None:
        """Let so many pass.

        Raises:
            ValueError: There would be more than at first, of a BoundedSemaphore.
        """
        if n < 1:
            raise ValueError("n must be one or more")
        if self._most is not None and self._value + n > self._most:
            raise ValueError("Semaphore released too many times")
        left = n
        for holder in (caller().session, *self._held):
            given = min(left, self._held.get(holder, 0))
            left -= given
            if given:
                self._held[holder] -= given
        self._forget_empty()
        self._add(n)

    def _add(self, count: int) -> None:
        self._value += count - self._turns.wake(count)

    def _lost(self, session: Session) -> None:
        self._add(self._held.pop(session, 0))

    def _forget_empty(self) -> None:
        for session in [each for each, count in self._held.items() if not count]:
            del self._held[session]
            session.drop(self)

    def get_value(self) -> int:
        """How many may pass at once."""
        return self._value

    def __repr__(self) -> str:
        return f"<managed {type(self).__name__}, value {self._value}, {len(self._turns)} waiting>"


class BoundedSemaphore(Semaphore):
    """One that is never released more often than it was acquired."""

    def __init__(self, value: int = 1) -> None:
        super().__init__(value)
        self._most = value


class Condition:
    """What those wait for who have a lock.

    Args:
        lock: A managed lock; a new RLock by default.
    """

    def __init__(self, lock: Lock | None = None) -> None:
        if lock is not None and not isinstance(lock, Lock):
            raise TypeError(f"the lock of a managed Condition is a managed one, not {lock!r}")
        self._lock = lock or RLock()
        self._turns = Turns()

    async def acquire(
        self, blocking: bool = True, timeout: float | None = None
    ) -> FencingToken | bool:
        """As of its lock.

        Raises:
            ValueError: The arguments contradict each other.

        If a process dies: as of `Lock`.
        """
        return await self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        """As of its lock."""
        self._lock.release()

    async def wait(self, timeout: float | None = None) -> bool:
        """Whether it was notified in time; the caller has the lock again.

        Raises:
            RuntimeError: The caller has not got the lock.

        If a process dies: the client: it waits no more when the grace has ended, and what it was
            notified of goes to the next.
        """
        me = self._check_owned("wait on")
        waiter = self._turns.enter()
        depth = self._lock._let_go()
        try:
            notified = await self._turns.wait(waiter, timeout)
        except asyncio.CancelledError:
            if Turns.was_woken(waiter):
                self._turns.wake()
            if not me[0].is_over:  # interrupted, in a block that will release the lock
                await self._lock._again(me, depth)
            raise
        try:
            await self._lock._again(me, depth)
        except asyncio.CancelledError:
            if notified:
                self._turns.wake()
            raise
        if notified:
            me[0].hold(self._lock, self._lost)
        return notified

    def _lost(self) -> None:
        """Who was notified is gone, and has it still: somebody else is to be told."""
        self._turns.wake()
        self._lock._pass_on()

    def notify(self, n: int = 1) -> None:
        """Let so many go on.

        Raises:
            RuntimeError: The caller has not got the lock.
        """
        self._check_owned("notify")
        self._turns.wake(n)

    def notify_all(self) -> None:
        """Let all go on."""
        self.notify(len(self._turns))

    def _check_owned(self, what: str) -> Owner:
        me = _me()
        if self._lock._owner != me:
            raise RuntimeError(f"cannot {what} un-acquired lock")
        return me
