"""Functions whose kind is known, with wide margins: what suits each does so on any machine."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import threading
from typing import Any

CALM_S = 0.03


def waits(given: object) -> object:
    """Is off the CPU nearly all of the time."""
    threading.Event().wait(CALM_S)
    return given


def asks(port: int) -> bytes:
    """Waits for an answer from the network."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        return connection.recv(16)


def counts(number: int) -> int:
    """Pure Python: it holds the GIL all of the time."""
    return sum(each * each for each in range(number))


def draws(seed: int) -> float:
    """numpy, which works without the GIL; nearly nothing goes in or out."""
    import numpy

    return float(numpy.random.default_rng(seed).random(5_000_000).sum())


def measures(words: list[str]) -> int:
    """Next to no work on a large input."""
    return len(words)


def adds(number: int) -> int:
    """A tiny task."""
    return number + 1


async def waits_awaited(given: object) -> object:
    """Is off the CPU nearly all of the time, and lets others run meanwhile."""
    await asyncio.sleep(CALM_S)
    return given


def needs(lock: Any) -> None:
    """Waits; its input goes to no other process."""
    with lock:
        pass
    threading.Event().wait(CALM_S)


def refuses_threads(given: object) -> object:
    """Waits, but not in two threads at once."""
    if threading.current_thread() is not threading.main_thread():
        raise RuntimeError("only one thread at a time")
    return waits(given)


def is_choosy(number: int) -> int:
    """Raises for every other input."""
    if number % 2:
        raise ValueError(f"{number} is odd")
    return counts(2000)


def raises(given: object) -> None:
    """For every input."""
    raise ValueError(f"no {given!r}")


def dies_elsewhere(pid: int) -> None:
    """Kills any process but the one that it is given."""
    if os.getpid() != pid:
        os.kill(os.getpid(), signal.SIGKILL)
    counts(50_000)


class Server(threading.Thread):
    """Answers whoever connects, a moment later."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port: int = self._socket.getsockname()[1]
        self._over = threading.Event()

    def run(self) -> None:
        """Until it is closed."""
        while not self._over.is_set():
            connection, _ = self._socket.accept()
            threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection:
            self._over.wait(CALM_S)
            connection.sendall(b"here")

    def close(self) -> None:
        """No more; and wait until that is so."""
        self._over.set()
        socket.create_connection(("127.0.0.1", self.port)).close()
        self.join(10)
        self._socket.close()
