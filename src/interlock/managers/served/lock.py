"""A lock of a server: each time it is given out with a higher token."""

from __future__ import annotations

from typing import Any, ClassVar

from interlock.errors import LockNotHeld, StaleToken
from interlock.managers.served.ledger import SET_THING
from interlock.managers.served.thing import Claim, Claims, House, Item, Thing, removed
from interlock.managers.served.turns import Turns
from interlock.managers.serving.session import Session

__all__ = ["ServedLock"]


class ServedLock(Thing):
    """First come, first served. Who is gone has it no more when the grace has ended."""

    kind: ClassVar[str] = "lock"

    def __init__(self, number: int, name: str, house: House, options: dict[str, Any]) -> None:
        super().__init__(number, name, house, options)
        self.token = 0
        self._holder: Claim | None = None
        self._claims: Claims[int] = Claims(self, self._freed)
        self._turns = Turns()
        self._is_removed = False

    def load(self, items: list[Item], sessions: dict[bytes, Session]) -> None:
        """As `Thing.load`; there is one row, with the token."""
        row = items[0]
        self.token = row.number
        if row.holder in sessions:
            self._holder = (row.holder, row.ticket)
            self._claims.enter(self._holder, self.token, sessions[row.holder])

    def begin_at(self, token: int) -> None:
        """Give out higher tokens than that."""
        self.token = token
        self._note()

    async def acquire(self, ticket: int, timeout: float | None) -> int:
        """Take it.

        Args:
            ticket: A new number of the client.
            timeout: Seconds; None for as long as it takes.

        Returns:
            The token, or 0 if it was not free in time.

        Raises:
            NoSuchObject: It was removed.
            asyncio.CancelledError: The client waits no more.

        If a process dies: who has it: it is free when the grace has ended.
        """
        claim = self._claims.mine(ticket)
        token = self._claims.find(claim)
        if token is not None:
            return token
        if not await self._turns.until(lambda: self._holder is None or self._is_removed, timeout):
            return 0
        if self._is_removed:
            raise removed(self.name)
        if self._claims.find(claim) is None:
            self.token += 1
            self._holder = claim
            self._claims.enter(claim, self.token)
            self._note(repeatable=True)
        return self.token

    def release(self, ticket: int) -> None:
        """Give it back.

        Raises:
            LockNotHeld: This client has it no more.
        """
        claim = self._claims.mine(ticket)
        if self._holder != claim:
            raise LockNotHeld(
                f"The lock {self.name!r} is not held by this client: its grace had ended, or it "
                "was released before. Others may have it, with a higher token."
            )
        self._freed(claim)

    def abandon(self, ticket: int) -> None:
        """Undo an acquire that was interrupted."""
        self._claims.abandon(ticket)

    def state(self) -> tuple[bool, int, int]:
        """Whether it is held, the last token, and how many wait."""
        return self._holder is not None, self.token, len(self._turns)

    def check(self, token: int) -> None:
        """Let pass who has it with that token.

        Raises:
            StaleToken: It was given out again, or is free.
        """
        if self._holder is None or token != self.token:
            now = "is free" if self._holder is None else f"was given out with token {self.token}"
            raise StaleToken(
                f"The call came under token {token} of the lock {self.name!r}, which {now}; "
                "nothing was changed. Acquire the lock again, and look anew at what it guards."
            )

    def waiting(self) -> int:
        """As `Thing.waiting`."""
        return len(self._turns)

    def sizes(self) -> dict[str, int]:
        """As `Thing.sizes`."""
        return {"held": int(self._holder is not None), "waiting": len(self._turns)}

    def forget(self) -> None:
        """As `Thing.forget`; who waits for it waits no more."""
        self._is_removed = True
        self._turns.wake()

    def _freed(self, claim: Claim) -> None:
        self._claims.end(claim)
        if self._holder == claim:
            self._holder = None
            self._note()
            self._turns.wake()

    def _note(self, *, repeatable: bool = False) -> None:
        holder, ticket = self._holder or (None, 0)
        self._ledger.enter(
            SET_THING, (self.token, holder, ticket, self.number), repeatable=repeatable
        )
