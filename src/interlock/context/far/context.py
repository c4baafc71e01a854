"""What the contexts of clusters make alike: things of a board."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, SupportsIndex

from interlock.context.far import locks, queues, signals, values
from interlock.context.far.line import Line
from interlock.context.substrate import SubstrateContext

if TYPE_CHECKING:
    from interlock.synchronize.lock_base import OnAbandon

__all__ = ["FarContext"]


class FarContext(SubstrateContext):
    """A context of a cluster, all of whose processes reach one board."""

    def _board(self) -> Line:
        """The line to the board; raises ServerGone."""
        raise NotImplementedError

    # ---- taking turns ------------------------------------------------------------

    def Lock(self, *, fair: bool = False, on_abandon: OnAbandon = "warn") -> locks.FarLock:  # type: ignore[override]
        """A lock; see `FarLock`."""
        return locks.FarLock(self._board(), fair=fair, on_abandon=on_abandon)

    def RLock(self, *, fair: bool = False, on_abandon: OnAbandon = "warn") -> locks.FarRLock:  # type: ignore[override]
        """A lock that its owner may take again; see `FarLock`."""
        return locks.FarRLock(self._board(), fair=fair, on_abandon=on_abandon)

    def Semaphore(self, value: SupportsIndex = 1) -> locks.FarSemaphore:  # type: ignore[override]
        """So many at a time; see `FarSemaphore`."""
        return locks.FarSemaphore(self._board(), value)

    def BoundedSemaphore(self, value: SupportsIndex = 1) -> locks.FarBoundedSemaphore:  # type: ignore[override]
        """The same, never more."""
        return locks.FarBoundedSemaphore(self._board(), value)

    def Condition(self, lock: locks.FarLock | None = None) -> signals.FarCondition:  # type: ignore[override]
        """To wait for a change; see `FarCondition`."""
        return signals.FarCondition(self._board(), lock)

    def Event(self) -> signals.FarEvent:  # type: ignore[override]
        """To wait until something has happened; see `FarEvent`."""
        return signals.FarEvent(self._board())

    def Barrier(  # type: ignore[override]
        self,
        parties: SupportsIndex,
        action: Callable[[], object] | None = None,
        timeout: float | None = None,
    ) -> signals.FarBarrier:
        """To wait for each other; see `FarBarrier`.

        Raises:
            ValueError: As there.

        If a process dies: As there.
        """
        return signals.FarBarrier(self._board(), parties, action, timeout)

    # ---- sharing -----------------------------------------------------------------

    def Queue(self, maxsize: int = 0, **bounds: int | None) -> queues.FarQueue:  # type: ignore[override]
        """A queue; see `FarQueue`."""
        return queues.FarQueue(self._board(), maxsize, **bounds)

    def SimpleQueue(self, **bounds: Any) -> queues.FarSimpleQueue:  # type: ignore[override]
        """A queue with no timeouts and no sizes; see `FarSimpleQueue`."""
        return queues.FarSimpleQueue(self._board(), **bounds)

    def JoinableQueue(self, maxsize: int = 0, **bounds: int | None) -> queues.FarJoinableQueue:  # type: ignore[override]
        """A queue that knows when its work is done; see `FarJoinableQueue`."""
        return queues.FarJoinableQueue(self._board(), maxsize, **bounds)

    def Value(  # type: ignore[override]
        self, typecode_or_type: Any, *args: Any, lock: Any = True
    ) -> values.FarValue:
        """A number that all share; see `FarValue`."""
        return values.far_value(self._board(), typecode_or_type, args, lock)

    def Array(  # type: ignore[override]
        self, typecode_or_type: Any, size_or_initializer: Any, *, lock: Any = True
    ) -> values.FarArray:
        """An array of numbers that all share; see `FarArray`."""
        return values.far_array(self._board(), typecode_or_type, size_or_initializer, lock)
