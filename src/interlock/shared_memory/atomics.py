"""Numbers and flags in shared memory that change in one step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from interlock._native import SharedAtomic
from interlock._passed import Passed

if TYPE_CHECKING:
    from interlock.shared_memory.atomics_aio import AwaitableAtomic

__all__ = ["AtomicFlag", "AtomicFloat", "AtomicInt"]

N = TypeVar("N", int, float, bool)

_INTEGER, _FLOAT, _FLAG = 9, 10, 11  # SyncKind in native/core/sync_layout.hpp


class _Atomic(Passed, SharedAtomic, Generic[N]):
    """What the three have in common; one memfd each, sendable to any process."""

    _kind: int

    if TYPE_CHECKING:  # the core's, for each kind's own type

        def load(self) -> N: ...
        def store(self, value: N, /) -> None: ...
        def exchange(self, value: N, /) -> N: ...
        def compare_exchange(self, expected: N, value: N) -> bool: ...
        def wait(self, value: N, timeout: float | None = None) -> bool: ...

    def _begin(self, value: N) -> None:
        SharedAtomic.__init__(self, None, self._kind)
        self.store(value)
        self._made()

    @property
    def aio(self) -> AwaitableAtomic[N]:
        """The same, awaited: ``await number.aio.wait(0)``."""
        from interlock.shared_memory.atomics_aio import AwaitableAtomic

        return AwaitableAtomic(self)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.load()!r})"


class AtomicInt(_Atomic[int]):
    """An int of 64 bits that processes share: `load`, `store`, `add`, `compare_exchange`, `wait`.

    Args:
        value: What it begins with.

    Raises:
        OverflowError: It does not fit into 64 bits.
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: each change was made or was not.
    """

    _kind = _INTEGER

    def __init__(self, value: int = 0) -> None:
        self._begin(value)

    if TYPE_CHECKING:  # the core's

        def add(self, more: int = 1) -> int:
            """Add to it, and return what it is then."""
    else:
        add = SharedAtomic._add

    def __index__(self) -> int:
        return self.load()


class AtomicFloat(_Atomic[float]):
    """A float that processes share: `load`, `store`, `add`, `compare_exchange`, `wait`.

    Args:
        value: What it begins with.

    Raises:
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: each change was made or was not.
    """

    _kind = _FLOAT

    def __init__(self, value: float = 0.0) -> None:
        self._begin(value)

    if TYPE_CHECKING:  # the core's

        def add(self, more: float = 1.0) -> float:
            """Add to it, and return what it is then."""
    else:
        add = SharedAtomic._add

    def __float__(self) -> float:
        return self.load()


class AtomicFlag(_Atomic[bool]):
    """A flag that processes share: `load`, `store`, `compare_exchange`, `wait`, `test_and_set`.

    Args:
        value: What it begins with.

    Raises:
        OutOfSharedMemory: The kernel has no memory for it.

    If a process dies: each change was made or was not. The flag knows nobody who set it: to guard
        something, take a `Lock`.
    """

    _kind = _FLAG

    def __init__(self, value: bool = False) -> None:
        self._begin(value)

    def test_and_set(self) -> bool:
        """Set it. Returns whether it was set before: of several that do so, one gets False."""
        return self.exchange(True)

    def clear(self) -> None:
        """Store False."""
        self.store(False)

    def __bool__(self) -> bool:
        return self.load()
