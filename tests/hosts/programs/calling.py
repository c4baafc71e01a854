"""A client on a host, for threads or for asyncio, that does what the test asks for."""

from __future__ import annotations

import asyncio
import errno
import json
import sys
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

from interlock.managers.aio import AsyncClient
from interlock.managers.auth import Address
from interlock.managers.client import Client
from interlock.managers.references import Reference
from interlock.managers.tls import client_context
from tests.hosts.programs.agent import answer

PATIENCE_S = 20.0


class Awaited:
    """An `AsyncClient` in a loop of its own, by the methods of a `Client`."""

    def __init__(self, address: Address, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, daemon=True).start()
        self._client = self._run(AsyncClient.connect(address, **options))

    def _run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    def __getattr__(self, name: str) -> Callable[..., Any]:
        return lambda *args: self._run(getattr(self._client, name)(*args))


class Station:
    """What the test may ask for; objects have names of its own."""

    def __init__(self, client: Any, number: int) -> None:
        self._client = client
        self._objects: dict[str, Reference] = {}
        self._end = threading.Event()
        self._number = number
        self._threads: list[threading.Thread] = []
        self._made: list[int] = []
        self._failures: list[str] = []

    def create(self, name: str, typeid: str) -> None:
        self._objects[name] = self._client.create(typeid)

    def find(self, name: str) -> None:
        self._objects[name] = self._client.find(name)

    def share(self, name: str) -> str:
        ticket: bytes = self._client.share(self._objects[name])
        return ticket.hex()

    def claim(self, name: str, ticket: str) -> None:
        self._objects[name] = self._client.claim(bytes.fromhex(ticket))

    def call(self, name: str, method: str, *args: Any) -> Any:
        return self._client.call(self._objects[name], method, *args)

    def echo(self, name: str, nbytes: int) -> bool:
        """Whether so many bytes came back as they were sent."""
        sent = bytes(range(256)) * (nbytes // 256)
        return bytes(self._client.call(self._objects[name], "echo", sent)) == sent

    def round_trips_s(self, name: str, count: int, pause_s: float) -> list[float]:
        """How long each of so many calls took."""
        taken = []
        for _ in range(count):
            began_s = time.monotonic()
            self._client.call(self._objects[name], "add", 1)
            taken.append(time.monotonic() - began_s)
            self._end.wait(pause_s)
        return taken

    # ---- what goes on until it is to end ---------------------------------------------------------

    def note(self, name: str, threads: int) -> None:
        """Let so many threads note tokens of their own, one after another."""

        def work(lane: int) -> None:
            for index in range(1_000_000):
                if self._end.is_set():
                    return
                token = (self._number * 100 + lane) * 1_000_000 + index
                if self._client.call(self._objects[name], "note", token) != token:
                    raise AssertionError(f"another answer than that of {token}")
                self._made.append(token)

        self._start(work, threads)

    def flood(self, name: str, threads: int) -> None:
        """Let so many threads call as often as they can, in full pipelines."""

        def work(_: int) -> None:
            while not self._end.is_set():
                with self._client.pipeline():
                    for _ in range(2000):
                        self._client.call(self._objects[name], "add", 1)
                self._made.append(2000)

        self._start(work, threads)

    def made(self) -> int:
        """How many tokens were noted, or floods made, until now."""
        return len(self._made)

    def end(self) -> list[int]:
        """Let the threads end; what they have made."""
        self._end.set()
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise AssertionError("; ".join(self._failures))
        return self._made

    def _start(self, work: Callable[[int], None], threads: int) -> None:
        def guarded(lane: int) -> None:
            try:
                work(lane)
            except Exception as error:  # told at the end
                self._failures.append(f"{type(error).__name__}: {error}")

        for lane in range(threads):
            self._threads.append(threading.Thread(target=guarded, args=(lane,), daemon=True))
            self._threads[-1].start()


def connected(connect: Callable[[], Any]) -> Any:
    """A client; a host whose cable is just in again may not find the other at once."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            return connect()
        except OSError as error:
            if error.errno != errno.EHOSTUNREACH or time.monotonic() > deadline_s:
                raise
        threading.Event().wait(0.1)


def main(keys: str, name: str, kind: str, address: str, port: int, number: int) -> None:
    """Connect, and do what the test asks for."""
    options: dict[str, Any] = {"ssl": client_context(keys, name), "connect_s": 20.0}
    make: Callable[..., Any] = {"threads": Client, "asyncio": Awaited}[kind]
    station = Station(connected(lambda: make((address, port), **options)), number)
    able = [each for each in dir(Station) if not each.startswith("_")]
    answer({each: getattr(station, each) for each in able})


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
