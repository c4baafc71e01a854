"""What the tests serve, and servers in a thread or process of their own (as `__main__`)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from interlock.managers.auth import Address, Permissions
from interlock.managers.bounds import Bounds
from interlock.managers.objects import Registry
from interlock.managers.server import ObjectServer, run
from interlock.managers.serving.desk import caller
from interlock.managers.tls import Credentials

KEY = b"a key for tests"
BOUND_S = 30.0


class Counter:
    """Counts, and notes who has called."""

    def __init__(self, start: int = 0) -> None:
        self.value = start
        self.seen: list[int] = []

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value

    def note(self, token: int) -> int:
        """Each token is to come once."""
        self.seen.append(token)
        return token

    def noted(self) -> list[int]:
        return self.seen

    def echo(self, value: Any) -> Any:
        return value

    def pages(self, count: int) -> list[Any]:
        """Each is a buffer of its own."""
        return [np.full(1000, number) for number in range(count)]

    def fail(self, name: str) -> None:
        raise {"key": KeyError("k"), "own": Unheard("x"), "value": ValueError("v", 3)}[name]

    def unsendable(self) -> object:
        return object()

    def rows(self, rows: dict[str, list[int]]) -> int:
        return sum(map(len, rows.values()))

    def _private(self) -> None:
        raise AssertionError("a private method was called")


class Unheard(Exception):
    """No client knows this class."""


class Gate:
    """Something to wait for, by an async method and by one in a thread; and a lock."""

    def __init__(self) -> None:
        self._open = asyncio.Event()
        self._holder: int | None = None
        self.waiting = 0

    async def wait(self) -> str:
        self.waiting += 1
        try:
            await self._open.wait()
        finally:
            self.waiting -= 1
        return "open"

    def waiters(self) -> int:
        return self.waiting

    def open(self) -> None:
        self._open.set()

    def take(self) -> bool:
        """Held until it is given back, or its client is gone."""
        if self._holder is not None:
            return False
        who = caller()
        self._holder = who.lane
        who.session.hold(self, self._freed)
        return True

    def free(self) -> None:
        caller().session.drop(self)
        self._freed()

    def _freed(self) -> None:
        self._holder = None


class Sleeper:
    """Waits in a thread of the server."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def wait(self) -> str:
        return "woken" if self._event.wait(BOUND_S) else "never woken"

    async def wake(self) -> None:
        self._event.set()


def registry() -> Registry:
    """All of these, and the dict."""
    made = Registry()
    made.register("Counter", Counter, inline=("add", "note", "noted", "echo"))
    made.register("Gate", Gate, inline=("waiters", "open", "take", "free"))
    made.register("Sleeper", Sleeper)
    made.register(
        "dict", dict, exposed=("__getitem__", "__setitem__", "__len__", "pop"), inline=True
    )
    made.register("fixed", cls=Counter, exposed=("add",))
    return made


class Served:
    """A server in a thread of this process, to be looked into."""

    def __init__(self, address: Address, **options: Any) -> None:
        self._wanted = address
        self._options: dict[str, Any] = {"authkey": KEY, **options}
        self._started = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self.address: Address = address
        self.server: ObjectServer | None = None
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            run(self._serve())
        except BaseException as error:  # told to who waits for the start
            self._error = error
            self._started.set()

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        self.server = ObjectServer(registry(), **self._options)
        self.server.serve("shared", Counter(), "Counter")
        async with self.server.listening(self._wanted) as bound:
            self.address = bound[0]
            self._started.set()
            await self._end.wait()

    def statistics(self) -> dict[str, int]:
        assert self.server is not None
        return self.server.statistics()

    def __enter__(self) -> Served:
        self._thread.start()
        assert self._started.wait(BOUND_S)
        if self._error is not None:
            raise self._error
        return self

    def __exit__(self, *_: object) -> None:
        assert self._loop is not None and self._end is not None
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(BOUND_S)
        assert not self._thread.is_alive()


@contextlib.contextmanager
def in_a_process(
    keys: Path | None = None, **bounds: Any
) -> Iterator[tuple[subprocess.Popen[str], Address]]:
    """A server in a process of its own, on the loopback; killed in the end.

    Args:
        keys: Where the certificates of `hub` are, for TLS; None for plain TCP and the key.
        bounds: Its limits.
    """
    options = json.dumps({"keys": keys and str(keys), "bounds": bounds})
    command = [sys.executable, "-m", "tests.managers.served", options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        host, port = json.loads(process.stdout.readline())
        yield process, (host, port)
    finally:
        if process.poll() is None:
            os.kill(process.pid, signal.SIGKILL)
        process.wait(BOUND_S)
        assert process.stdout is not None
        process.stdout.close()


async def _main(keys: str | None, bounds: dict[str, Any]) -> None:
    secured: dict[str, Any] = {"ssl": Credentials(keys, "hub")} if keys else {"authkey": KEY}
    server = ObjectServer(registry(), bounds=Bounds(**bounds), **secured)
    server.serve("shared", Counter(), "Counter")
    async with server.listening(("127.0.0.1", 0)) as addresses:
        print(json.dumps(addresses[0]), flush=True)
        await asyncio.Event().wait()


PERMISSIONS: Permissions = {"key": {"Counter": ["add", "create"], "shared": "*"}}

if __name__ == "__main__":
    run(_main(**json.loads(sys.argv[1])))
