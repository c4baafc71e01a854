"""Several messages at a time: put_many, get_many, iteration."""

from __future__ import annotations

import queue as standard
import time
from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.errors import SerializationError
from interlock.testing.trial import Trial


def test_what_raises_in_the_middle_says_how_many_were_put() -> None:
    """Whatever is raised by an object, or by the iterable, has `accepted`."""
    queue = interlock.Queue()
    with pytest.raises(SerializationError) as refused:
        queue.put_many(["one", "two", lambda: None, "never"])
    assert getattr(refused.value, "accepted", None) == 2
    with pytest.raises(ZeroDivisionError) as broken:
        queue.put_many(_broken_after(3))
    assert getattr(broken.value, "accepted", None) == 3
    assert queue.get_many(10) == ["one", "two", 0, 1, 2]


def test_the_whole_timeout_is_for_the_whole_batch() -> None:
    """put_many() waits for room for as long as it was told, not for each message anew."""
    queue = interlock.Queue(4)
    began = time.monotonic()
    with pytest.raises(standard.Full) as caught:
        queue.put_many(range(10), timeout=0.1)
    assert 0.1 <= time.monotonic() - began < 2.0
    assert caught.value.accepted == 4  # type: ignore[attr-defined]


def test_get_many_waits_for_the_first_and_no_more(trial: Trial) -> None:
    """It returns with what is there, however little."""
    queue = trial.make()
    consumer = trial.child(_get_many, queue)
    consumer.wait_asleep()
    queue.put("only")
    assert consumer.result() == ["only"]


@pytest.mark.parametrize("count", [0, -1])
def test_get_many_of_none_is_refused(count: int) -> None:
    """ValueError, and nothing is taken."""
    queue = interlock.Queue()
    queue.put(1)
    with pytest.raises(ValueError, match="max_messages"):
        queue.get_many(count)
    assert queue.qsize() == 1


def test_get_many_takes_objects_with_code_of_their_own_too() -> None:
    """They end a batch, and come first in the next."""
    queue = interlock.Queue()
    sent = [1, 2, Coordinates(3, 4), 5, bytes(200_000), 7]
    queue.put_many(sent)
    got: list[Any] = []
    while not queue.empty():
        got += queue.get_many(100)
    assert got == sent


def test_a_message_that_cannot_be_restored_costs_no_other() -> None:
    """Those before it are returned, it raises, those behind it come."""
    queue = interlock.Queue()
    queue.put_many([1, Unlucky(), 2])
    assert queue.get_many(10) == [1]
    with pytest.raises(LookupError):
        queue.get_many(10)
    assert queue.get_many(10) == [2]


def test_batches_of_several_processes_are_each_in_order(trial: Trial) -> None:
    """Producers' batches may mix, their messages do not."""
    queue = trial.make()
    producers = [trial.child(_put_batches, queue, name) for name in "ab"]
    got: list[tuple[str, int]] = []
    while len(got) < 2 * 500:
        got += queue.get_many(64, timeout=30)
    for name in "ab":
        assert [number for who, number in got if who == name] == list(range(500))
    for producer in producers:
        producer.result()


def test_two_consumers_iterate_until_the_end(trial: Trial) -> None:
    """Each message goes to one of them, and both end."""
    queue = trial.make(maxsize=8)
    consumers = [trial.child(_all_of, queue), trial.child(_all_of, queue)]
    queue.put_many(range(200))
    queue.shutdown()
    got = [number for consumer in consumers for number in consumer.result()]
    assert sorted(got) == list(range(200))


class Coordinates:
    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Coordinates) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self) -> int:
        return hash((self.x, self.y))


class Unlucky:
    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> None:
    raise LookupError


def _broken_after(count: int) -> Iterator[int]:
    yield from range(count)
    raise ZeroDivisionError


def _get_many(queue: Any) -> Any:
    return queue.get_many(10)


def _put_batches(queue: Any, name: str) -> None:
    for begin in range(0, 500, 50):
        queue.put_many((name, number) for number in range(begin, begin + 50))


def _all_of(queue: Any) -> list[Any]:
    return list(queue)
