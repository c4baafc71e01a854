"""put: what is accepted, what is refused, and where."""

from __future__ import annotations

import queue as standard
import threading
import time
from typing import Any

import pytest

import interlock
from interlock.errors import (
    InterlockError,
    MessageTooLarge,
    QueueClosed,
    SerializationError,
)
from interlock.testing.trial import Trial

KINDS = ("Queue", "JoinableQueue", "SimpleQueue")


@pytest.mark.parametrize("kind", KINDS)
def test_what_cannot_be_serialized_raises_in_the_caller(kind: str) -> None:
    """P6: the error names the path to the guilty part, and nothing was put."""
    queue = getattr(interlock, kind)()
    with pytest.raises(SerializationError) as caught:
        queue.put({"handlers": [1, {"lock": threading.Lock()}]})
    assert caught.value.path == "$['handlers'][1]['lock']"
    assert isinstance(caught.value, TypeError)
    assert queue.empty()
    queue.put("after")
    assert queue.get() == "after"


def test_a_message_over_max_bytes_is_refused_at_once_with_its_size() -> None:
    """It would never fit, so no timeout is waited for; the queue goes on."""
    queue = interlock.Queue(max_bytes=100_000)
    for message in (bytes(100_001), "x" * 200_000, list(range(100_000))):
        with pytest.raises(MessageTooLarge, match=r"\d{6} bytes") as caught:
            queue.put(message, timeout=3600)
        assert isinstance(caught.value, InterlockError)
        assert isinstance(caught.value, ValueError)
    queue.put(bytes(90_000))
    assert len(queue.get()) == 90_000


def test_max_bytes_bounds_what_is_in_the_queue() -> None:
    """Room is what is free of it, in whatever messages; full() says so."""
    queue = interlock.Queue(max_bytes=1 << 20)
    for _ in range(3):
        queue.put(bytes(300_000))
    with pytest.raises(standard.Full):
        queue.put_nowait(bytes(300_000))
    assert queue.qsize() == 3
    queue.get()
    queue.put_nowait(bytes(300_000))


@pytest.mark.parametrize(
    "size", [0, 1, 100, 2_000, 60_000, 70_000, 1 << 20, (1 << 20) + 1, 5 << 20]
)
def test_messages_of_every_size_arrive_whole(size: int) -> None:
    """In the ring, and through blocks if they are larger."""
    queue = interlock.Queue()
    body = bytes(range(256)) * (size // 256 + 1)
    for _ in range(3):
        queue.put(body[:size])
    for _ in range(3):
        assert queue.get() == body[:size]
    assert queue.empty()


def test_a_full_queue_of_one_message_size_turns_over_many_times() -> None:
    """Chunks of the ring are used again: what is read leaves room behind it."""
    queue = interlock.Queue(max_bytes=200_000)
    for number in range(3_000):
        while True:
            try:
                queue.put_nowait((number, bytes(number % 1500)))
                break
            except standard.Full:
                first, body = queue.get()
                assert len(body) == first % 1500


@pytest.mark.parametrize("timeout", [0.0, 0.001, 0.05, -1.0])
def test_a_timeout_of_put_is_kept(timeout: float) -> None:
    """A full queue raises Full not before its time, and soon after; negative is none."""
    queue = interlock.Queue(1)
    queue.put(1)
    began = time.monotonic()
    with pytest.raises(standard.Full) as caught:
        queue.put(2, timeout=timeout)
    waited = time.monotonic() - began
    assert isinstance(caught.value, InterlockError)
    assert waited >= timeout
    assert waited < max(timeout, 0.0) + 1.0
    assert queue.qsize() == 1


@pytest.mark.parametrize("timeout", ["1", [], object()])
def test_a_timeout_that_is_no_number_is_refused(timeout: Any) -> None:
    """At the call that gave it; nothing is put or taken."""
    queue = interlock.Queue(1)
    queue.put("kept")
    for call in (lambda: queue.put(2, timeout=timeout), lambda: queue.get(timeout=timeout)):
        with pytest.raises(TypeError):
            call()
    assert queue.qsize() == 1
    assert queue.get() == "kept"


def test_without_block_a_timeout_is_ignored() -> None:
    """As in `queue.Queue`: put(obj, False, 5) does not wait."""
    queue = interlock.Queue(1)
    queue.put(1, False, 5)
    with pytest.raises(standard.Full):
        queue.put(2, False, 3600)
    assert queue.get(False, 3600) == 1
    with pytest.raises(standard.Empty):
        queue.get(False, 3600)


def test_a_closed_handle_refuses_by_name() -> None:
    """Every method, with an error that is also a ValueError."""
    queue = interlock.Queue()
    queue.close()
    calls = (
        lambda: queue.put(1),
        lambda: queue.put_nowait(1),
        lambda: queue.put_many([1]),
        queue.get,
        queue.get_nowait,
        lambda: queue.get_many(1),
        queue.qsize,
        queue.empty,
        queue.full,
        queue.shutdown,
        queue.statistics,
        queue.fileno,
        lambda: queue.lease(timeout=0).__enter__(),
    )
    for call in calls:
        with pytest.raises(QueueClosed):
            call()
    assert "closed" in repr(queue)


def test_closing_wakes_this_process_s_threads_only(trial: Trial) -> None:
    """Those that wait in get() and put() get QueueClosed; another process goes on."""
    queue = trial.make(maxsize=1)
    queue.put("in")
    producer = trial.thread(queue.put, "out")
    producer.wait_asleep()
    child = trial.child(_get_two_when_told, queue, *(told := trial.pipe())[:1])
    child.wait_begun()
    queue.close()
    with pytest.raises(QueueClosed):
        producer.result()
    trial.forget(producer)
    told[1].send_bytes(b"go on")
    assert child.result() == ["in", "empty"]


def test_an_object_s_own_error_comes_out_of_put_as_it_is() -> None:
    """What __reduce__ raises that is no refusal is the program's, with the path as a note."""
    queue = interlock.Queue()
    with pytest.raises(ZeroDivisionError) as caught:
        queue.put({"deep": [Divides()]})
    assert any("$['deep'][0]" in note for note in caught.value.__notes__)
    assert queue.empty()


def test_what_is_mutated_after_put_arrives_as_it_was() -> None:
    """put() serializes before it returns: there is no feeder to see the change."""
    queue = interlock.Queue()
    message = [1]
    queue.put(message)
    message.append(2)
    assert queue.get() == [1]


def test_an_object_may_use_the_queue_while_it_is_serialized() -> None:
    """Nothing is locked while its hooks run: the inner message is first."""
    queue = interlock.Queue()
    queue.put(PutsItself(queue))
    assert [queue.get(), queue.get()] == ["from __reduce__", "outer"]


@pytest.mark.parametrize("kind", KINDS)
def test_an_object_may_close_the_queue_while_it_is_serialized(kind: str) -> None:
    """Then there is nothing to put it into any more."""
    queue = getattr(interlock, kind)()
    with pytest.raises(QueueClosed):
        queue.put(Closes(queue))


def test_a_batch_whose_object_closes_the_queue_says_how_much_was_put() -> None:
    """What was put before will be delivered."""
    queue = interlock.Queue()
    carrier = interlock.Queue()
    carrier.put(queue)
    other = carrier.get()
    with pytest.raises(QueueClosed) as caught:
        queue.put_many(["before", Closes(queue), "after"])
    assert getattr(caught.value, "accepted", None) == 1
    assert list(other.get_many(5)) == ["before"]


def test_a_message_whose_own_code_fails_is_gone_and_the_next_one_comes() -> None:
    """What raises while it is restored raises in get(), once."""
    queue = interlock.Queue()
    queue.put(FailsToLoad())
    queue.put("next")
    with pytest.raises(LookupError, match="cannot be restored"):
        queue.get()
    assert queue.get() == "next"


class Divides:
    def __reduce__(self) -> Any:
        return 1 // 0


class PutsItself:
    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def __reduce__(self) -> Any:
        self.queue.put("from __reduce__")
        return str, ("outer",)


class Closes:
    def __init__(self, queue: Any) -> None:
        self.queue = queue

    def __reduce__(self) -> Any:
        self.queue.close()
        return str, ("closed",)


class FailsToLoad:
    def __reduce__(self) -> Any:
        return _fail, ()


def _fail() -> None:
    raise LookupError("it cannot be restored")


def _get_two_when_told(queue: Any, told: Any) -> list[Any]:
    told.recv_bytes()
    got = [queue.get()]
    try:
        got.append(queue.get(timeout=0.05))
    except standard.Empty:
        got.append("empty")
    return got
