"""Redis on loopback: keys, a list as the queue, and a list with one token as the lock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from .. import redis_peer
from .contender import Face, Remote

_QUEUE, _TOKEN = "queue of the benchmark", "lock of the benchmark"


class _Keys(Face):
    """Integers and bytes come back as bytes, which is for the caller to know in Redis."""

    def __init__(self, port: int) -> None:
        import redis

        self._redis: Any = redis.Redis(port=port)

    def set(self, key: str, value: Any) -> None:
        self._redis.set(key, value)

    def get(self, key: str) -> Any:
        return _plain(self._redis.get(key))

    def set_many(self, pairs: Sequence[tuple[str, Any]]) -> None:
        with self._redis.pipeline(transaction=False) as pipeline:
            for key, value in pairs:
                pipeline.set(key, value)
            pipeline.execute()

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.get(key)
            return [_plain(value) for value in pipeline.execute()]

    def put(self, item: Any) -> None:
        self._redis.rpush(_QUEUE, item)

    def take(self) -> Any:
        return _plain(self._redis.blpop([_QUEUE])[1])

    def acquire(self) -> None:
        self._redis.blpop([_TOKEN])

    def release(self) -> None:
        self._redis.lpush(_TOKEN, 1)

    def close(self) -> None:
        self._redis.close()


def _plain(value: bytes) -> Any:
    return int(value) if len(value) < 20 else value


class Redis(Remote):
    """One server for all rounds, emptied before each."""

    NAME = redis_peer.NAME
    MODULES = ("redis",)

    @classmethod
    def is_there(cls) -> bool:
        """As `Remote.is_there`."""
        return redis_peer.is_there()

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        client = redis_peer.client()
        client.flushall()
        client.lpush(_TOKEN, 1)
        yield client.connection_pool.connection_kwargs["port"]

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return _Keys(place)
