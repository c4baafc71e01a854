"""rpyc: a threaded server of one service, TCP on the loopback interface."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .contender import Face, Remote, Store, in_a_process

_NAMES = ("set", "get", "put", "take", "acquire", "release")
_CONFIG = {"sync_request_timeout": None}


def _serve(say: Callable[[Any], None]) -> None:
    rpyc = importlib.import_module("rpyc")
    server_module = importlib.import_module("rpyc.utils.server")
    store = Store()
    exposed = {f"exposed_{name}": staticmethod(getattr(store, name)) for name in _NAMES}
    service = type("StoreService", (rpyc.Service,), exposed)
    server = server_module.ThreadedServer(
        service, hostname="127.0.0.1", port=0, protocol_config=_CONFIG
    )
    say(server.port)
    server.start()


class _Root(Face):
    def __init__(self, port: int) -> None:
        self._rpyc = importlib.import_module("rpyc")
        self._connection = self._rpyc.connect("127.0.0.1", port, config=_CONFIG)
        self._root = self._connection.root

    def set(self, key: str, value: Any) -> None:
        self._root.set(key, value)

    def get(self, key: str) -> Any:
        return self._root.get(key)

    def set_many(self, pairs: Sequence[tuple[str, Any]]) -> None:
        begin = self._rpyc.async_(self._root.set)
        for result in [begin(key, value) for key, value in pairs]:
            result.wait()

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        begin = self._rpyc.async_(self._root.get)
        return [result.value for result in [begin(key) for key in keys]]

    def put(self, item: Any) -> None:
        self._root.put(item)

    def take(self) -> Any:
        return self._root.take()

    def acquire(self) -> None:
        self._root.acquire()

    def release(self) -> None:
        self._root.release()

    def close(self) -> None:
        self._connection.close()


class Rpyc(Remote):
    """As its documentation shows it."""

    NAME = "rpyc"
    MODULES = ("rpyc",)

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        with in_a_process(_serve) as place:
            yield place

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return _Root(place)
