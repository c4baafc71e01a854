"""Pools of workers: the standard library's, until a release brings our own."""

from multiprocessing.pool import (
    ApplyResult,
    AsyncResult,
    IMapIterator,
    IMapUnorderedIterator,
    MapResult,
    Pool,
    ThreadPool,
)

from interlock._standard import rest_of

__all__ = [
    "ApplyResult",
    "AsyncResult",
    "IMapIterator",
    "IMapUnorderedIterator",
    "MapResult",
    "Pool",
    "ThreadPool",
]

__getattr__ = rest_of("multiprocessing.pool")
