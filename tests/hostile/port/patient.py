"""An honest client in a process of its own, which says what kept its calls waiting.

    python -m tests.hostile.port.patient '["127.0.0.1", 40013, PID, KEYS]'

A machine that does other things keeps everybody waiting: a process that could run stands in a queue
for a processor. The kernel counts that (`/proc/PID/task/TID/schedstat`), of the server as of this
client. What remains of a call is what the server did instead of answering, or waited for: what a
hostile client could prolong, and what a test bounds however busy the machine is.

Calls until its input ends. For each line of it, it prints one: of each call since the last
[seconds in all, seconds that remain].
"""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from interlock.managers.auth import Address
from interlock.managers.client import Client
from interlock.managers.tls import client_context
from tests.managers.served import BOUND_S, KEY

__all__ = ["Patient"]

PAUSE_S = 0.002


class Patient:
    """The process, for a test, until its block ends.

    Args:
        server: The process that is called.
        address: Where.
        keys: Of an authority that has issued for `other`; None for plain TCP.
    """

    def __init__(self, server: int, address: Address, keys: Path | None = None) -> None:
        options = json.dumps([*address, server, keys and str(keys)])
        command = [sys.executable, "-m", "tests.hostile.port.patient", options]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def calls(self) -> list[tuple[float, float]]:
        """Of each call since the last time: seconds in all, seconds that remain."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        assert told, "the honest client has failed"
        return [(whole, own) for whole, own in json.loads(told)]

    def __enter__(self) -> Patient:
        self.calls()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate("", BOUND_S)
        assert self._process.returncode == 0


def _queued_s(pid: int, tid: int) -> float:
    """How long a thread has stood in the queue for a processor."""
    return int(Path(f"/proc/{pid}/task/{tid}/schedstat").read_text().split()[1]) / 1e9


def main(host: str, port: int, server: int, keys: str | None) -> None:
    """Call until the input ends."""
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()

    def listen() -> None:
        for line in sys.stdin:
            asked.put(line)
        asked.put("")

    threading.Thread(target=listen, daemon=True).start()
    options: dict[str, Any] = {"ssl": client_context(keys, "other")} if keys else {"authkey": KEY}
    us = (os.getpid(), threading.get_native_id())
    taken: list[tuple[float, float]] = []
    made = 0
    with Client((host, port), **options) as client:
        counter = client.create("Counter")
        while True:
            with contextlib.suppress(queue.Empty):
                if not asked.get(timeout=PAUSE_S):
                    break
                print(json.dumps(taken), flush=True)
                taken.clear()
            queued_s = _queued_s(server, server) + _queued_s(*us)
            began_s = time.monotonic()
            client.call(counter, "add", 1)
            whole_s = time.monotonic() - began_s
            queued_s = _queued_s(server, server) + _queued_s(*us) - queued_s
            taken.append((whole_s, whole_s - queued_s))
            made += 1
        assert client.call(counter, "add", 0) == made


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
