"""How a server makes what it shares: by the names that a manager gives to kinds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from typing import Any

from interlock import synchronize
from interlock.managers.local.proxies import SharedProxy
from interlock.managers.memory.dict import SharedMapping
from interlock.managers.memory.list import SharedList
from interlock.managers.memory.things import SharedArrayOfNumbers, SharedNamespace, SharedValue
from interlock.queues import JoinableQueue

__all__ = ["FACTORIES", "Factory"]


@dataclass(frozen=True)
class Factory:
    """Makes objects of one kind; what a manager registers.

    Attributes:
        kind: Its name.
    """

    kind: str

    def __call__(self, *args: Any, **kwds: Any) -> Any:
        """A new one."""
        return _MAKE[self.kind](*args, **kwds)


def _queue(maxsize: int = 0) -> Any:
    return JoinableQueue(maxsize, ctx=get_context(), writable=True)


def _condition(lock: Any = None) -> Any:
    if isinstance(lock, SharedProxy):
        return synchronize.Condition(lock._handle.what, ctx=get_context())
    if lock is None:
        return synchronize.Condition(ctx=get_context())
    raise TypeError(f"the lock of a managed Condition is a managed one, not {lock!r}")


def _barrier(
    parties: int, action: Callable[[], object] | None = None, timeout: float | None = None
) -> Any:
    return synchronize.Barrier(parties, action, timeout, ctx=get_context())


def _turns(kind: Any) -> Callable[..., Any]:
    return lambda *args: kind(*args, ctx=get_context())


_MAKE: dict[str, Callable[..., Any]] = {
    "Array": SharedArrayOfNumbers,
    "Barrier": _barrier,
    "BoundedSemaphore": _turns(synchronize.BoundedSemaphore),
    "Condition": _condition,
    "Event": _turns(synchronize.Event),
    "JoinableQueue": _queue,
    "Lock": _turns(synchronize.Lock),
    "Namespace": SharedNamespace,
    "Queue": _queue,
    "RLock": _turns(synchronize.RLock),
    "Semaphore": _turns(synchronize.Semaphore),
    "Value": SharedValue,
    "dict": SharedMapping,
    "list": SharedList,
}
FACTORIES = {kind: Factory(kind) for kind in _MAKE}
