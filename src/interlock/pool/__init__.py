"""Pools of workers that survive their workers; `engine.py` is where to start reading."""

from __future__ import annotations

from typing import TYPE_CHECKING

from interlock._late import late
from interlock._standard import rest_of

if TYPE_CHECKING:
    from multiprocessing.pool import (  # type: ignore[attr-defined]
        MaybeEncodingError,
        RemoteTraceback,
    )

    from interlock.pool.engine import CLOSED as CLOSE
    from interlock.pool.engine import RUNNING as RUN
    from interlock.pool.engine import TERMINATED as TERMINATE
    from interlock.pool.executor import ProcessPoolExecutor
    from interlock.pool.faults import (
        InitializerFailed,
        MemoryLimitExceeded,
        PoolClosed,
        PoolTerminated,
        ResultNotSent,
        TaskCancelled,
        TaskTimeout,
        WorkerDied,
    )
    from interlock.pool.futures import Future
    from interlock.pool.jobs import Options
    from interlock.pool.pool import Pool
    from interlock.pool.results import (
        ApplyResult,
        AsyncResult,
        IMapIterator,
        IMapUnorderedIterator,
        MapResult,
    )
    from interlock.pool.shared import Shared, share
    from interlock.pool.threads import ThreadPool, ThreadPoolExecutor
    from interlock.pool.worker import worker_state

__all__ = [
    "CLOSE",
    "RUN",
    "TERMINATE",
    "ApplyResult",
    "AsyncResult",
    "Future",
    "IMapIterator",
    "IMapUnorderedIterator",
    "InitializerFailed",
    "MapResult",
    "MaybeEncodingError",
    "MemoryLimitExceeded",
    "Options",
    "Pool",
    "PoolClosed",
    "PoolTerminated",
    "ProcessPoolExecutor",
    "RemoteTraceback",
    "ResultNotSent",
    "Shared",
    "TaskCancelled",
    "TaskTimeout",
    "ThreadPool",
    "ThreadPoolExecutor",
    "WorkerDied",
    "share",
    "worker_state",
]

if not TYPE_CHECKING:  # where names that are not there would be found
    __getattr__, __dir__ = late(
        __name__,
        {
            "engine": "CLOSE=CLOSED RUN=RUNNING TERMINATE=TERMINATED",
            "executor": "ProcessPoolExecutor",
            "faults": (
                "InitializerFailed MemoryLimitExceeded PoolClosed PoolTerminated ResultNotSent "
                "TaskCancelled TaskTimeout WorkerDied"
            ),
            "futures": "Future",
            "jobs": "Options",
            "pool": "Pool",
            "results": "ApplyResult AsyncResult IMapIterator IMapUnorderedIterator MapResult",
            "shared": "Shared share",
            "threads": "ThreadPool ThreadPoolExecutor",
            "worker": "worker_state",
        },
        rest_of("multiprocessing.pool"),
    )
