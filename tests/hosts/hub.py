"""`interlock serve` on one host, with a journal, and clients of it on all."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.hosts.network import Network
from tests.hosts.remote import BOUND_S, Remote
from tests.managers.waiting import until

__all__ = ["HEARTBEAT_S", "Hub"]

PORT = 7400
HEARTBEAT_S = 0.5


class Hub:
    """The server and its clients, until the `with` block ends.

    Args:
        network: With a host `hub`.
        keys: The directory of an authority with names for all hosts.
        folder: For the journal and the log.
        grace_s: Of the server.
    """

    def __init__(self, network: Network, keys: Path, folder: Path, grace_s: float) -> None:
        self.network = network
        self._keys = str(keys)
        self._folder = folder
        self._grace_s = grace_s
        self._end = contextlib.ExitStack()
        self._server: subprocess.Popen[bytes] | None = None
        self._number = self.starts = 0

    def start(self) -> None:
        """Return when it serves, at the same address and with the same journal each time."""
        folder, self.starts = self._folder, self.starts + 1
        where = f"{self.network.addresses['hub']}:{PORT}"
        times = ("--grace", str(self._grace_s), "--heartbeat", str(HEARTBEAT_S))
        place = ("--address", where, "--tls", self._keys, "--name", "hub")
        command = ("-m", "interlock", "serve", *place, *times, "--journal", str(folder / "journal"))
        with (folder / "log").open("ab") as log:
            self._server = subprocess.Popen(self.network.command("hub", *command), stderr=log)
        until(lambda: self._told().count("serving at") == self.starts or self._has_ended())
        assert not self._has_ended(), self._told()

    def kill(self) -> None:
        """Whatever it does."""
        assert self._server is not None
        self._server.send_signal(signal.SIGKILL)
        assert self._server.wait(BOUND_S) == -signal.SIGKILL, self._told()

    def client(self, host: str) -> Remote:
        """One more, connected, that goes by its host's name (programs/sharing.py)."""
        self._number += 1
        arguments: dict[str, Any] = {"keys": self._keys, "name": host, "number": self._number}
        arguments |= {"address": self.network.addresses["hub"], "port": PORT}
        remote = self._end.enter_context(
            Remote(self.network, host, "tests.hosts.programs.sharing", arguments)
        )
        assert remote("made") == 0
        return remote

    def _told(self) -> str:
        return (self._folder / "log").read_text("utf-8")

    def _has_ended(self) -> bool:
        return self._server is not None and self._server.poll() is not None

    def __enter__(self) -> Hub:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()
        if not self._has_ended():
            self.kill()
