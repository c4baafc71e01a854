"""Redis on loopback, as programs use it for a dict that processes share; where it is installed."""

from __future__ import annotations

import atexit
import functools
import shutil
import socket
import subprocess
import tempfile
import time
from typing import Any

NAME = "Redis"
START_S = 10.0


def is_there() -> bool:
    """Whether the server and its client for Python are installed."""
    try:
        import redis  # noqa: F401
    except ModuleNotFoundError:
        return False
    return shutil.which("redis-server") is not None


@functools.cache
def client() -> Any:
    """A client of a server of our own, which ends with this process.

    Raises:
        TimeoutError: The server does not answer.
    """
    import redis

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tempfile.TemporaryDirectory(prefix="interlock-redis-")
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    server = subprocess.Popen([*command, "--dir", folder.name], stdout=subprocess.DEVNULL)

    def end() -> None:
        server.kill()
        server.wait()
        folder.cleanup()

    atexit.register(end)
    made = redis.Redis(port=port)
    ends = time.monotonic() + START_S
    while True:
        try:
            made.ping()
            return made
        except redis.ConnectionError:
            if time.monotonic() > ends:
                raise TimeoutError("the Redis server does not answer") from None
            time.sleep(0.01)


class RedisDict:
    """What the benchmark does with a dict."""

    def __setitem__(self, key: str, value: int) -> None:
        client().set(key, value)

    def __getitem__(self, key: str) -> int:
        return int(client().get(key))
