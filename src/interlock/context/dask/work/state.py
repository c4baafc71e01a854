"""What the initializer of a pool has made in this worker: once for each pool, whatever the task."""

from __future__ import annotations

import contextlib
import threading
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from interlock.context.dask.packing import unpack_call
from interlock.pool.faults import InitializerFailed
from interlock.pool.worker import worker_state, worker_state_is

__all__ = ["Initializer", "prepared"]

POOLS_MAX = 256  # whose state a worker keeps; of older ones it is made again when needed


@dataclass(frozen=True)
class Initializer:
    """What a worker is prepared by.

    Attributes:
        pool: Whose it is.
        data: The function and its arguments, packed; None if there is none.
    """

    pool: str
    data: bytes | None


class _Pool:
    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.is_ready = False
        self.state: Any = None


_pools: OrderedDict[str, _Pool] = OrderedDict()
_lock = threading.Lock()


@contextlib.contextmanager
def prepared(initializer: Initializer | None) -> Iterator[None]:
    """Within the block this thread is a worker of the pool, and its initializer has run.

    Raises:
        InitializerFailed: It raised an exception.
    """
    if initializer is None:
        yield
        return
    state = None if initializer.data is None else _state(initializer)
    before = worker_state()
    worker_state_is(state)
    try:
        yield
    finally:
        worker_state_is(before)


def _state(initializer: Initializer) -> Any:
    with _lock:
        pool = _pools.setdefault(initializer.pool, _Pool())
        _pools.move_to_end(initializer.pool)
        while len(_pools) > POOLS_MAX:
            _pools.popitem(last=False)
    with pool.lock:
        if not pool.is_ready:
            function, args = unpack_call(initializer.data or b"", ())
            try:
                pool.state = function(*args)
            except Exception as error:
                raise InitializerFailed(
                    f"The initializer failed in a worker: {type(error).__name__}: {error}"
                ) from error
            pool.is_ready = True
        return pool.state
