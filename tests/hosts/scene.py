"""The programs of one test on its hosts: a server, and clients."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

from tests.hosts.network import Network
from tests.hosts.remote import Remote

__all__ = ["Scene"]

PORT = 7000


class Scene:
    """Starts programs, and ends them with its block.

    Args:
        network: With a host `hub`.
        keys: The directory of an authority with names for all hosts.
    """

    def __init__(self, network: Network, keys: Path) -> None:
        self.network = network
        self._keys = str(keys)
        self._end = contextlib.ExitStack()
        self._number = 0

    def serve(self, **bounds: Any) -> Remote:
        """A server on the hub that listens."""
        arguments = self._common() | {"bounds": bounds}
        remote = self._end.enter_context(
            Remote(self.network, "hub", "tests.hosts.programs.serving", arguments)
        )
        assert remote("statistics")["connections"] == 0
        return remote

    def client(self, host: str, kind: str = "threads") -> Remote:
        """A client on a host, connected, that goes by its host's name."""
        self._number += 1
        arguments = self._common() | {"name": host, "kind": kind, "number": self._number}
        remote = self._end.enter_context(
            Remote(self.network, host, "tests.hosts.programs.calling", arguments)
        )
        assert remote("made") == 0
        return remote

    def _common(self) -> dict[str, Any]:
        return {"keys": self._keys, "address": self.network.addresses["hub"], "port": PORT}

    def __enter__(self) -> Scene:
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()


def seed() -> int:
    """Of a test with chance in it, told where a failure shows it."""
    chosen = int(os.environ.get("INTERLOCK_SEED", "0")) or int.from_bytes(os.urandom(4)) or 1
    print(f"INTERLOCK_SEED={chosen}")
    return chosen
