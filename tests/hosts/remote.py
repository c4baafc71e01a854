"""A program on a host, as the test has it: what it is asked, and what came of it."""

from __future__ import annotations

import concurrent.futures
import contextlib
import itertools
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.hosts.network import Network

__all__ = ["BOUND_S", "Outcome", "Remote"]

BOUND_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """What came of a question.

    Attributes:
        value: What it gave.
        error: The class of what was raised; None if nothing was.
        text: Of the error.
        took_s: How long it took there.
    """

    value: Any
    error: str | None
    text: str
    took_s: float


class Remote:
    """A program on a host that answers questions (programs/agent.py), until the `with` block ends.

    Args:
        network: Where the host is.
        host: Its name there.
        module: The program.
        arguments: For it.
    """

    def __init__(
        self, network: Network, host: str, module: str, arguments: Mapping[str, Any]
    ) -> None:
        self.process = network.start(host, "-m", module, json.dumps(arguments))
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._asked: dict[int, concurrent.futures.Future[Outcome]] = {}
        self._is_over = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def begin(self, what: str, *arguments: Any) -> concurrent.futures.Future[Outcome]:
        """Ask without waiting."""
        future: concurrent.futures.Future[Outcome] = concurrent.futures.Future()
        with self._lock:
            if self._is_over:
                raise EOFError("the program on the host has ended")
            number = next(self._numbers)
            self._asked[number] = future
            assert self.process.stdin is not None
            self.process.stdin.write(json.dumps([number, what, arguments]) + "\n")
            self.process.stdin.flush()
        return future

    def outcome(self, what: str, *arguments: Any) -> Outcome:
        """Ask and wait, whatever comes of it."""
        return self.begin(what, *arguments).result(BOUND_S)

    def __call__(self, what: str, *arguments: Any) -> Any:
        """Ask and wait for what it gives."""
        found = self.outcome(what, *arguments)
        assert found.error is None, f"{what}: {found.error}: {found.text}"
        return found.value

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            number, *outcome = json.loads(line)
            self._asked.pop(number).set_result(Outcome(*outcome))
        with self._lock:
            self._is_over = True
        for future in self._asked.values():
            future.set_exception(EOFError("the program on the host has ended"))

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.process.wait(BOUND_S)

    def __enter__(self) -> Remote:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._reader.join(BOUND_S)
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
