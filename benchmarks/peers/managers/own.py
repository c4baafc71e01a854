"""Interlock: the same program as `multiprocessing`'s (standard.py), with its own SyncManager.

On one machine, between processes of one user, the objects are in shared memory; by TCP they are in
the server, with a key or with certificates on both sides.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

from .contender import Face, Remote
from .standard import Proxies


class _Pipelined(Proxies):
    """By TCP, many calls go in few frames."""

    def set_many(self, pairs: Sequence[tuple[str, Any]]) -> None:
        from interlock.managers import pipeline

        with pipeline(self.dict):
            for key, value in pairs:
                self.dict[key] = value

    def get_many(self, keys: Sequence[str]) -> list[Any]:
        from interlock.managers import pipeline

        with pipeline(self.dict):
            laters = [self.dict[key] for key in keys]
        return [later.result() for later in laters]


class InterlockShared(Remote):
    """Between processes of one machine."""

    NAME = "interlock, shared memory"
    MODULES: ClassVar[tuple[str, ...]] = ()

    @contextlib.contextmanager
    def serving(self) -> Iterator[Any]:
        """As `Remote.serving`."""
        from interlock.managers import SyncManager

        with SyncManager(**self._options()) as manager:
            yield manager.dict(), manager.Queue(), manager.Lock()

    def _options(self) -> dict[str, Any]:
        return {}

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return Proxies(place)


class InterlockTcp(InterlockShared):
    """On the loopback interface, with a key."""

    NAME = "interlock, TCP"
    MODULES: ClassVar[tuple[str, ...]] = ("msgspec",)

    def _options(self) -> dict[str, Any]:
        return {"address": ("127.0.0.1", 0)}

    def connect(self, place: Any) -> Face:
        """As `Remote.connect`."""
        return _Pipelined(place)


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
            self._keys = str(authority.directory)
            with super().serving() as place:
                yield place

    def _options(self) -> dict[str, Any]:
        return {**super()._options(), "tls": self._keys, "name": "hub"}
