"""The benchmark of remote objects notices a wrong answer."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import managers
from benchmarks.harness import WrongResult
from benchmarks.peers.managers.contender import Face


class _NoClock:
    """A clock for a role that runs in this process."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


class _Here(Face):
    """A dict, a queue and a lock that are right, unless a test says what comes back."""

    def __init__(self, **wrong: Any) -> None:
        self.items: dict[str, Any] = {}
        self.queue: list[Any] = []
        self.wrong = wrong

    def set(self, key: str, value: Any) -> None:
        self.items[key] = value

    def get(self, key: str) -> Any:
        return self.wrong.get("get", self.items[key])

    def put(self, item: Any) -> None:
        self.queue.append(item)

    def take(self) -> Any:
        return self.wrong.get("take", self.queue.pop(0) if self.queue else None)

    def acquire(self) -> None: ...

    def release(self) -> None: ...

    def close(self) -> None: ...


DRIVES: list[tuple[managers.Drive, Any]] = [
    (managers.set_keys, 7),
    (managers.get_keys, 7),
    (managers.set_in_batches, 7),
    (managers.get_in_batches, 7),
    (managers.set_large, b"x"),
    (managers.get_large, b"x"),
    (managers.turns_of_a_lock, 7),
]


@pytest.mark.parametrize(("drive", "wrong"), DRIVES)
def test_a_wrong_value_is_noticed(
    drive: managers.Drive, wrong: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And a right one is not."""
    monkeypatch.setattr(managers, "VALUE_BYTES", 100)
    clock: Any = _NoClock()
    drive(clock, _Here(), 0, 250)
    with pytest.raises(WrongResult):
        drive(clock, _Here(get=wrong), 0, 250)


def test_items_of_a_queue_that_are_lost_or_come_twice_are_noticed() -> None:
    """One by one."""
    clock: Any = _NoClock()
    face = _Here()
    managers.one_puts_one_takes(clock, face, 0, 3)
    managers.one_puts_one_takes(clock, face, 1, 3)
    with pytest.raises(WrongResult, match="item 1 of the queue is 0"):
        managers.one_puts_one_takes(clock, _Here(take=0), 1, 3)
