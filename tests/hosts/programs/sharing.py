"""A client on a host of `interlock serve`: leases, locks and what is changed under them."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Callable
from typing import Any

import interlock
from interlock.managers.named import Connection
from tests.hosts.programs.agent import answer
from tests.hosts.programs.calling import PATIENCE_S, connected

LINGER_S = 0.002  # with a message or a lock: so that cables are pulled out in the middle


class Station:
    """What the test may ask for; what goes on in threads goes on until it is to end."""

    def __init__(self, connection: Connection, number: int) -> None:
        self._connection = connection
        self._lock = connection.lock("lock")
        self._number = number
        self._end = threading.Event()
        self._failures: list[str] = []
        self._threads: list[threading.Thread] = []
        self._leased: Any = None
        self._put: list[int] = []
        self._tokens: list[int] = []
        self._done = 0

    # ---- one step --------------------------------------------------------------------------------

    def put(self, values: list[Any]) -> None:
        self._connection.queue("jobs").put_many(values)

    def lease(self) -> list[Any]:
        """A message that stays leased, and how often it was delivered."""
        self._leased = self._connection.queue("jobs").lease(timeout=PATIENCE_S).__enter__()
        return [self._leased.message, self._leased.attempt]

    def acknowledge(self) -> None:
        self._leased.acknowledge()

    def acquire(self, timeout: float) -> int | None:
        """The token, if the lock was free in time."""
        return self._lock.token if self._lock.acquire(timeout=timeout) else None

    def write(self, key: str, value: Any) -> None:
        """Under the lock."""
        self._connection.dict("state").under(self._lock)[key] = value

    def read(self, key: str) -> Any:
        return self._connection.dict("state")[key]

    # ---- what goes on ----------------------------------------------------------------------------

    def work(self) -> None:
        """Put numbers, take them under leases, and count under a lock, in a thread each."""
        for each in (self._puts, self._takes, self._counts):
            self._threads.append(threading.Thread(target=self._guarded, args=(each,), daemon=True))
            self._threads[-1].start()

    def made(self) -> int:
        """How often something was done, until now."""
        return len(self._put) + self._done + len(self._tokens)

    def stop(self) -> None:
        """Put no more; what was put is still done."""
        self._end.set()

    def end(self) -> dict[str, Any]:
        """Let the threads end; what they have put, and the tokens that they had."""
        for thread in self._threads:
            thread.join()
        if self._failures:
            raise AssertionError("; ".join(self._failures))
        return {"put": self._put, "tokens": self._tokens, "done": self._done}

    def found(self) -> dict[str, Any]:
        """What is there at the end: done, counted, and still to be done."""
        connection = self._connection
        left = connection.queue("jobs").counts()
        return {
            "done": connection.list("done").copy(),
            "count": connection.dict("counter").get("n", 0),
            "left": [left.ready, left.leased],
        }

    def _guarded(self, each: Callable[[], None]) -> None:
        try:
            each()
        except Exception as error:  # told at the end
            self._failures.append(f"{type(error).__name__}: {error}")

    def _puts(self) -> None:
        jobs = self._connection.queue("jobs", maxsize=50)
        for number in range(self._number * 1_000_000, (self._number + 1) * 1_000_000):
            if self._end.is_set():
                return
            jobs.put(number)
            self._put.append(number)

    def _takes(self) -> None:
        jobs, done = self._connection.queue("jobs", maxsize=50), self._connection.list("done")
        while True:
            try:
                with jobs.lease(timeout=1.0) as delivery:
                    self._end.wait(LINGER_S)
                    done.append(delivery.message)
                self._done += 1
            except interlock.queues.Empty:
                if self._end.is_set():
                    return

    def _counts(self) -> None:
        counter = self._connection.dict("counter").under(self._lock)
        while not self._end.is_set():
            with self._lock as token:
                seen = counter.get("n", 0)
                self._end.wait(LINGER_S)
                counter["n"] = seen + 1
                self._tokens.append(token)


def main(keys: str, name: str, address: str, port: int, number: int) -> None:
    """Connect, and do what the test asks for."""
    options: dict[str, Any] = {"tls": keys, "name": name, "absent_timeout": 60.0}
    where = f"interlock://{address}:{port}"
    station = Station(connected(lambda: interlock.connect(where, **options)), number)
    able = [each for each in dir(Station) if not each.startswith("_")]
    answer({each: getattr(station, each) for each in able})


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
