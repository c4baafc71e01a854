"""`interlock serve` in a process of its own, which can be killed and started again."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

from interlock.managers.named import Connection, connect
from tests.managers.waiting import until

BOUND_S = 60.0
KEY = b"0123456789abcdef"


class ServerProcess:
    """A server of the command line, at the same port and with the same journal each time.

    Args:
        folder: For its files.
        options: More of the command line.
    """

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        key = folder / "key"
        key.write_bytes(KEY)
        key.chmod(0o600)
        self.journal = folder / "journal"
        self.log = folder / "log"
        self.starts = 0
        self._port = _free_port()
        self._options = ["--authkey-file", str(key), "--log-json", *options]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"interlock://127.0.0.1:{self._port}"

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self, *, journal: bool = True) -> None:
        """Return when it serves."""
        command = [sys.executable, "-m", "interlock", "serve", "--address", self.address]
        command += self._options + (["--journal", str(self.journal)] if journal else [])
        already = len(self.told())
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, cwd=self._folder)
        self.starts += 1
        until(
            lambda: (
                self._ended()
                or any(str(line["message"]).startswith("serving") for line in self.told()[already:])
            )
        )
        assert not self._ended(), self.log.read_text("utf-8")

    def _ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def told(self) -> list[dict[str, Any]]:
        """What it has logged."""
        if not self.log.exists():
            return []
        lines = self.log.read_text("utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.startswith("{") and line.endswith("\n")]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Have it end; its status."""
        assert self._process is not None
        self._process.send_signal(number)
        return self._process.wait(BOUND_S)

    def wait(self) -> int:
        """Until it has ended by itself; its status."""
        assert self._process is not None
        return self._process.wait(BOUND_S)

    def connect(self, **options: Any) -> Connection:
        return connect(self.address, authkey=KEY, **options)

    def __enter__(self) -> ServerProcess:
        if self._process is None:
            self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            self.stop(signal.SIGKILL)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port
