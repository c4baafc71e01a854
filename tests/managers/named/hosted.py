"""A server with objects by name, in a thread of the test."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from interlock.managers.auth import Address
from interlock.managers.bounds import Bounds
from interlock.managers.named import Connection, connect
from interlock.managers.named.address import shown
from interlock.managers.served.service import Service, Terms
from interlock.managers.server import run

KEY = b"a key for tests"
BOUND_S = 30.0
QUICK = Bounds(heartbeat_s=1.0, grace_s=1.0)


class Hosted:
    """A service while its block runs; it can be looked into."""

    def __init__(self, address: Address = ("127.0.0.1", 0), **terms: Any) -> None:
        self._terms = Terms(**{"authkey": KEY, "bounds": QUICK, **terms})
        self._wanted = address
        self._started = threading.Event()
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self.service: Service | None = None
        self.address = address

    def _run(self) -> None:
        try:
            run(self._serve())
        except BaseException as error:  # told to who waits for the start, or the end
            self._error = error
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.service = Service(self._terms)
        async with self.service.listening(self._wanted) as bound:
            self.address = bound[0]
            self._started.set()
            await self.service.until(self._stop)

    def connect(self, **options: Any) -> Connection:
        return connect(shown(self.address), **{"authkey": KEY, **options})

    def __enter__(self) -> Hosted:
        self._thread.start()
        assert self._started.wait(BOUND_S)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None and self._stop is not None
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(BOUND_S)
        assert not self._thread.is_alive(), "the server never ended"
        if self._error is not None:
            raise self._error
