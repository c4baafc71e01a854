"""Pyro5: a daemon with one object, serpent (its default), TCP on the loopback interface."""

from __future__ import annotations

import contextlib
import importlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from .contender import Face, Remote, Store, in_a_process


def _serve(say: Callable[[Any], None]) -> None:
    api = importlib.import_module("Pyro5.api")
    daemon = api.Daemon(host="127.0.0.1")
    exposed = api.expose(type("StoreObject", (Store,), dict(vars(Store))))
    say(str(daemon.register(exposed())))
    daemon.requestLoop()


class _Proxy(Face):
    def __init__(self, uri: str) -> None:
        self._api = importlib.import_module("Pyro5.api")
        self._serpent = importlib.import_module("serpent")
        self._proxy = self._api.Proxy(uri)

    def _plain(self, value: Any) -> Any:
        """serpent has bytes as a dict with base64 in it."""
        return self._serpent.tobytes(value) if isinstance(value, dict) else value

    def set(self, key: str, value: Any) -> None:
        self._proxy.set(key, value)

    def get(self, key: str) -> Any:
        return self._plain(self._proxy.get(key))

    def set_many(self, pairs: Sequence[tuple[str, Any]]) -> None:
        batch = self._api.BatchProxy(self._proxy)
        for key, value in pairs:
            batch.set(key, value)
        list(batch())

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        batch = self._api.BatchProxy(self._proxy)
        for key in keys:
            batch.get(key)
        return list(batch())

    def put(self, item: Any) -> None:
        self._proxy.put(item)

    def take(self) -> Any:
        return self._proxy.take()

    def acquire(self) -> None:
        self._proxy.acquire()

    def release(self) -> None:
        self._proxy.release()

    def close(self) -> None:
        self._proxy._pyroRelease()


class Pyro(Remote):
    """As its documentation shows it."""

    NAME = "Pyro5"
    MODULES = ("Pyro5", "serpent")

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        with in_a_process(_serve) as place:
            yield place

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return _Proxy(place)
