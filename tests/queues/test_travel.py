"""Queues on their way: as arguments, inside messages, back home, and when the sender is gone."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.errors import InterlockError, SenderGone
from interlock.testing.trial import Trial

KINDS = ("Queue", "JoinableQueue", "SimpleQueue")


@pytest.mark.parametrize("kind", KINDS)
def test_a_queue_goes_through_a_queue_and_a_pipe(
    trial: Trial, context: BaseContext, kind: str
) -> None:
    """To a child that was started before it was made, and is of any method."""
    line, theirs = context.Pipe()
    requests = trial.make()
    child = trial.child(_answer, requests, theirs)
    by_queue = getattr(context, kind)()
    by_pipe = getattr(context, kind)()
    requests.put({"reply to": [by_queue]})
    line.send((by_pipe, "and more"))
    assert by_queue.get() == "by queue"
    assert by_pipe.get() == "by pipe"
    child.result()
    for each in (line, theirs, by_queue, by_pipe):
        each.close()


def test_queues_of_every_context_go_to_every_child(trial: Trial) -> None:
    """Nothing about a queue is of its context's method."""
    queues = [interlock.get_context(method).Queue() for method in ("fork", "spawn", "forkserver")]
    child = trial.child(_put_each, queues)
    assert [queue.get(timeout=30) for queue in queues] == [0, 1, 2]
    child.result()


def test_a_queue_that_comes_home_is_the_same() -> None:
    """Sent to its own process it is another handle of the same messages."""
    queue = interlock.Queue(3)
    carrier = interlock.Queue()
    carrier.put(queue)
    home = carrier.get()
    home.put("by the one")
    assert queue.get() == "by the one"
    assert type(home) is type(queue)
    queue.close()
    home.put("still open")
    assert home.get() == "still open"


def test_a_queue_in_itself() -> None:
    """It may carry itself."""
    queue = interlock.Queue()
    queue.put(queue)
    assert queue.get().empty()


def test_who_receives_after_the_sender_s_end_is_told(trial: Trial) -> None:
    """SenderGone, with its pid and what to do; the carrier goes on."""
    carrier = trial.make()
    pid = trial.child(_put_a_queue, carrier).result()
    carrier.put("next")
    with pytest.raises(SenderGone, match=rf"{pid}.*Keep the sender running") as caught:
        carrier.get()
    assert isinstance(caught.value, InterlockError)
    assert isinstance(caught.value, ConnectionError)
    assert caught.value.pid == pid
    assert carrier.get() == "next"


def test_no_thread_is_left_when_all_have_arrived(trial: Trial) -> None:
    """The thread that hands descriptors over lives while some are under way."""
    requests = trial.make()
    child = trial.child(_receive_two, requests)
    for _ in range(2):
        requests.put(interlock.Queue())
    child.result()
    for thread in threading.enumerate():
        if thread.name == "interlock-handover":
            thread.join(10)
            assert not thread.is_alive()


def test_descriptors_under_way_are_not_left_behind(trial: Trial) -> None:
    """A hundred queues through a queue, in both directions: as many descriptors as before."""
    there, back = trial.make(), trial.make()
    child = trial.child(_send_back, there, back)
    for _ in range(3):
        _round_trip(there, back)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        _round_trip(there, back)
    assert len(os.listdir("/proc/self/fd")) <= before
    there.put(None)
    assert child.result() <= 2


def _round_trip(there: Any, back: Any) -> None:
    with_body = interlock.Queue()
    with_body.put("body")
    there.put(with_body)
    returned = back.get()
    assert returned.get() == "body"
    returned.close()
    with_body.close()


def _answer(requests: Any, line: Any) -> None:
    requests.get()["reply to"][0].put("by queue")
    line.recv()[0].put("by pipe")


def _put_each(queues: list[Any]) -> None:
    for number, queue in enumerate(queues):
        queue.put(number)


def _put_a_queue(carrier: Any) -> int:
    carrier.put(interlock.Queue())
    return os.getpid()


def _receive_two(requests: Any) -> None:
    for _ in range(2):
        requests.get().close()


def _send_back(there: Any, back: Any) -> int:
    """How many descriptors more it has at the end than after the first ones."""
    counts = []
    while (queue := there.get()) is not None:
        back.put(queue)
        queue.close()
        counts.append(len(os.listdir("/proc/self/fd")))
    return counts[-1] - max(counts[:3])
