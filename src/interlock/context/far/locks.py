"""Lock, RLock, Semaphore and BoundedSemaphore on a board."""

from __future__ import annotations

import operator
import warnings
from types import TracebackType
from typing import TYPE_CHECKING, Any, SupportsIndex

from interlock.context.board.seats import Left
from interlock.context.far.handle import Handle, abandonment, holder
from interlock.context.far.line import Call, Line, Settled, limit_s
from interlock.errors import AbandonedLockError, AbandonedLockWarning
from interlock.synchronize.lock_base import OnAbandon
from interlock.synchronize.owner import Abandonment, Holder
from interlock.synchronize.semaphore import VALUE_MAX

if TYPE_CHECKING:
    from interlock.context.far.aio import AwaitableTurn

__all__ = ["FarBoundedSemaphore", "FarLock", "FarRLock", "FarSemaphore"]


def _not_in_time() -> bool:
    return False


class _Turn(Handle):
    """What is acquired and released."""

    def acquire(self, block: bool = True, timeout: float | None = None) -> bool:
        """Wait until it is the caller's.

        Args:
            block: Whether to wait while another one has it.
            timeout: How long to wait, in seconds; None for as long as it takes.

        Returns:
            Whether it is the caller's now.

        Raises:
            AbandonedLockError: Of a lock that was made with ``on_abandon="raise"``: its owner has
                died. The caller has not got it.
            ServerGone: The board is gone.

        If a process dies: the owner's: it is free as soon as that is noticed.
        """
        call = self._acquiring(block, timeout)
        try:  # with no step between the answer and its return
            return self._line.run(call, self._acquired, _not_in_time)  # type: ignore[no-any-return]
        except Settled as settled:
            raise settled.why from None

    def _acquiring(self, block: bool, timeout: float | None, lane: str | None = None) -> Call:
        return self._call("acquire", timeout_s=limit_s(block, timeout), lane=lane)

    def _releasing(self, lane: str | None = None) -> Call:
        return self._step("release", lane=lane)

    def _acquired(self, answer: Any) -> bool:
        has_it, left = answer
        if left is not None:
            try:
                self._tell_of(left, has_it)
            except (AbandonedLockError, Warning) as error:
                raise Settled(error) from None
        return True

    def _tell_of(self, left: Left, has_it: bool) -> None:
        """Somebody died with it."""

    def release(self) -> None:
        """Give it up.

        Raises:
            LockNotHeld: It is nobody's; of a bounded semaphore, all places are free.
            LockNotOwned: Of an RLock: another has it, or nobody.
            ServerGone: As in `acquire`.

        If a process dies: this one's, before it is done: as in `acquire`.
        """
        self._line.run(self._releasing())

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.release()

    @property
    def aio(self) -> AwaitableTurn:
        """The same, awaited: ``async with lock.aio:``."""
        from interlock.context.far.aio import AwaitableTurn

        return AwaitableTurn(self)


class FarLock(_Turn):
    """A lock with `multiprocessing.Lock`'s interface, between processes of any machine.

    Args:
        line: To the board that keeps it.
        fair: Of no effect: it is always first come, first served.
        on_abandon: What who takes the lock after its owner has died gets: ``"warn"``, an
            AbandonedLockWarning with the lock, or ``"raise"``, an AbandonedLockError without it.

    Raises:
        ValueError: on_abandon is another word.
        ServerGone: The board is gone.

    If a process dies: the owner's: who waits has the lock as soon as the cluster notices, and is
        told. (A thread that ends is not noticed.)
    """

    _kind = "lock"
    _recursive = False

    def __init__(self, line: Line, *, fair: bool = False, on_abandon: OnAbandon = "warn") -> None:
        if on_abandon not in ("warn", "raise"):
            raise ValueError(f"on_abandon is {on_abandon!r}; give 'warn' or 'raise'")
        self.on_abandon: OnAbandon = on_abandon
        self.abandoned: Abandonment | None = None
        super().__init__(line, self._recursive, on_abandon == "raise")

    def _state(self) -> dict[str, Any]:
        return {"on_abandon": self.on_abandon, "abandoned": None}

    def _tell_of(self, left: Left, has_it: bool) -> None:
        who = self.abandoned = abandonment(left)
        story = who.died_with(self)
        if not has_it:
            raise AbandonedLockError(
                f"{story}. You have not got the lock. What it guards may be half changed: put it "
                "right, then acquire the lock again.",
                who,
            )
        try:
            warnings.warn(
                f"{story}. You have the lock now; what it guards may be half changed.",
                AbandonedLockWarning,
                stacklevel=5,
            )
        except BaseException:
            self.release()
            raise

    @property
    def owner(self) -> Holder | None:
        """Who has the lock, or None; of the moment."""
        who, held_s, *_ = self._ask("state")
        return None if who is None else holder(who, held_s, self._line.seats())

    @property
    def waiters(self) -> int:
        """How many wait for it."""
        number: int = self._ask("state")[2]
        return number

    def locked(self) -> bool:
        """Whether anybody has it."""
        return self._ask("state")[0] is not None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


class FarRLock(FarLock):
    """A lock that its owner may take again; the rest as `FarLock`."""

    _recursive = True


class FarSemaphore(_Turn):
    """A semaphore with `multiprocessing.Semaphore`'s interface, between processes of any machine.

    Args:
        line: To the board that keeps it.
        value: How many places are free at first.

    Raises:
        TypeError: value is no integer.
        ValueError: value is less than 0 or too large.
        ServerGone: The board is gone.

    If a process dies: its places come back as soon as the cluster notices; only as many as are
        missing from ``value``.
    """

    _kind = "semaphore"
    _bounded = False

    def __init__(self, line: Line, value: SupportsIndex = 1) -> None:
        places = operator.index(value)
        if not 0 <= places <= VALUE_MAX:
            raise ValueError(f"value is {places}; give 0 to {VALUE_MAX}")
        super().__init__(line, places, self._bounded)

    def get_value(self) -> int:
        """How many places are free."""
        value: int = self._ask("get_value")
        return value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"


class FarBoundedSemaphore(FarSemaphore):
    """A semaphore that is never given back more places than it was made with."""

    _bounded = True
