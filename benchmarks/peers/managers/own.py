"""Interlock: an object server with a registered class, by a Unix socket, TCP, and TLS 1.3.

The class stands for what `interlock.Manager` will serve beyond one machine; `_Calls` is what a
program with that would not have to write.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from .contender import Face, Remote, in_a_process

KEY = b"a key for one run"


class _Store:
    """All methods run in the server's loop."""

    def __init__(self) -> None:
        self._items: dict[str, Any] = {}
        self._queue: asyncio.Queue[Any] = asyncio.Queue()
        self._lock = asyncio.Lock()

    def set(self, key: str, value: Any) -> None:
        self._items[key] = value

    def get(self, key: str) -> Any:
        return self._items[key]

    def put(self, item: Any) -> None:
        self._queue.put_nowait(item)

    async def take(self) -> Any:
        return await self._queue.get()

    async def acquire(self) -> None:
        await self._lock.acquire()

    def release(self) -> None:
        self._lock.release()


def _serve(say: Callable[[Any], None], address: Any, keys: str | None) -> None:
    from interlock.managers.objects import Registry
    from interlock.managers.server import ObjectServer, run
    from interlock.managers.tls import Credentials

    async def serve() -> None:
        registry = Registry()
        registry.register("Store", cls=_Store, inline=("set", "get", "put", "release"))
        secured: dict[str, Any] = {"ssl": Credentials(keys, "hub")} if keys else {"authkey": KEY}
        server = ObjectServer(registry, **secured)
        server.serve("store", _Store(), "Store")
        async with server.listening(address) as bound:
            say((bound[0], keys))
            await asyncio.Event().wait()

    run(serve())


class _Calls(Face):
    def __init__(self, place: tuple[Any, str | None]) -> None:
        from interlock.managers.client import Client
        from interlock.managers.tls import client_context

        address, keys = place
        secured: dict[str, Any] = (
            {"ssl": client_context(keys, "worker")} if keys else {"authkey": KEY}
        )
        self._client = Client(address, **secured)
        self._call = functools.partial(self._client.call, self._client.find("store"))

    def set(self, key: str, value: Any) -> None:
        self._call("set", key, value)

    def get(self, key: str) -> Any:
        return self._call("get", key)

    def set_many(self, pairs: Sequence[tuple[str, Any]]) -> None:
        with self._client.pipeline():
            for key, value in pairs:
                self._call("set", key, value)

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        with self._client.pipeline():
            laters = [self._call("get", key) for key in keys]
        return [later.result() for later in laters]

    def put(self, item: Any) -> None:
        self._call("put", item)

    def take(self) -> Any:
        return self._call("take")

    def acquire(self) -> None:
        self._call("acquire")

    def release(self) -> None:
        self._call("release")

    def close(self) -> None:
        self._client.close()


class InterlockTcp(Remote):
    """On the loopback interface, with a key."""

    NAME = "interlock, TCP"
    MODULES: ClassVar[tuple[str, ...]] = ("msgspec",)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        with in_a_process(_serve, ("127.0.0.1", 0), None) as place:
            yield place

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return _Calls(place)


class InterlockUnix(InterlockTcp):
    """By a Unix socket."""

    NAME = "interlock, Unix"

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        with tempfile.TemporaryDirectory() as folder:
            with in_a_process(_serve, str(Path(folder) / "socket"), None) as place:
                yield place


class InterlockTls(InterlockTcp):
    """On the loopback interface, with certificates on both sides."""

    NAME = "interlock, TLS"
    MODULES = ("msgspec", "cryptography")

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        from interlock.managers.keys import Authority

        with tempfile.TemporaryDirectory() as folder:
            authority = Authority.create(Path(folder) / "keys")
            authority.issue("hub", ["127.0.0.1"])
            authority.issue("worker")
            keys = str(authority.directory)
            with in_a_process(_serve, ("127.0.0.1", 0), keys) as place:
                yield place
