"""Ends in several processes: shared, killed, given away."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from typing import Any

import numpy
import pytest

import interlock
from interlock.connection import wait
from interlock.errors import SenderGone
from interlock.testing.trial import Task, Trial

Ends = tuple[Any, Any]


@pytest.mark.parametrize("size", [10, 3_000, 100_000])
def test_messages_of_all_who_share_an_end_stay_whole(trial: Trial, pipe: Ends, size: int) -> None:
    """P2: two processes and two threads send on one end; two receive on the other."""
    ours, theirs = pipe
    each = 200 if size < 100_000 else 40
    senders: list[Task] = [
        *(trial.child(_send_letters, theirs, f"process {n}", each, size) for n in range(2)),
        *(trial.thread(_send_letters, theirs, f"thread {n}", each, size) for n in range(2)),
    ]
    receivers: list[Task] = [
        trial.child(_receive_letters, ours),
        trial.thread(_receive_letters, ours),
    ]
    for sender in senders:
        sender.result()
    for _ in receivers:
        theirs.send(None)
    got = [receiver.result() for receiver in receivers]
    assert sorted(letter for letters in got for letter in letters) == sorted(
        (f"{kind} {n}", number)
        for kind in ("process", "thread")
        for n in range(2)
        for number in range(each)
    )
    for letters in got:
        for sender in {name for name, _ in letters}:
            numbers = [number for name, number in letters if name == sender]
            assert numbers == sorted(numbers)


def test_a_killed_peer_is_the_end(trial: Trial, pipe: Ends) -> None:
    """What it sent is received, then EOFError; sending to it is BrokenPipeError."""
    ours, theirs = pipe
    reading, writing = trial.pipe()
    child = trial.child(_send_and_wait, theirs, writing)
    theirs.close()
    reading.recv_bytes()
    waiting = trial.thread(_receive_all, ours)
    waiting.wait_asleep()
    child.kill()
    assert waiting.result() == ["first", "second"]
    assert ours.poll(0)
    with pytest.raises(EOFError):
        ours.recv()
    with pytest.raises(BrokenPipeError):
        ours.send("anyone?")


def test_a_peer_killed_before_it_used_its_end_is_the_end_too(trial: Trial, pipe: Ends) -> None:
    """The kernel tells, not the shared memory that it had not yet mapped."""
    ours, theirs = pipe
    child = trial.child(_only_wait, theirs)
    child.wait_begun()
    theirs.close()
    waiting = trial.thread(_receive_all, ours)
    waiting.wait_asleep()
    child.kill()
    assert waiting.result() == []


def test_the_end_comes_with_the_last_holder(trial: Trial, pipe: Ends) -> None:
    """One of two who have the other end is killed: the other one goes on."""
    ours, theirs = pipe
    reading, writing = trial.pipe()
    doomed = trial.child(_send_and_wait, theirs, writing)
    reading.recv_bytes()
    doomed.kill()
    assert [ours.recv(), ours.recv()] == ["first", "second"]
    assert not ours.poll(0.02)
    theirs.send("still here")
    assert ours.recv() == "still here"


def test_a_sender_asleep_for_room_learns_that_nobody_is_left(trial: Trial) -> None:
    """BrokenPipeError wakes it."""
    ours, theirs = interlock.Pipe(max_bytes=100_000)
    child = trial.child(_only_wait, theirs)
    child.wait_begun()
    theirs.close()
    sender = trial.thread(_fill, ours)
    sender.wait_asleep()
    child.kill()
    with pytest.raises(BrokenPipeError):
        sender.result()
    trial.forget(sender)
    ours.close()


def test_closing_wakes_who_waits(trial: Trial, pipe: Ends) -> None:
    """A thread in recv() gets OSError when another closes its end."""
    ours, _ = pipe
    waiting = trial.thread(ours.recv)
    waiting.wait_asleep()
    ours.close()
    with pytest.raises(OSError, match="closed"):
        waiting.result()
    trial.forget(waiting)


def test_arrays_arrive_whole_and_writable(trial: Trial, pipe: Ends) -> None:
    """Small ones, large ones, odd ones; the child's changes are not the sender's."""
    ours, theirs = pipe
    child = trial.child(_negate, theirs)
    for sent in (
        numpy.arange(10),
        numpy.arange(1_000_000, dtype="f4").reshape(1000, 1000),
        numpy.arange(100_000)[::7],
        numpy.zeros((0, 5)),
        numpy.array(3.5),
        numpy.asfortranarray(numpy.arange(20_000.0).reshape(100, 200)),
    ):
        ours.send(sent)
        got = ours.recv()
        assert got.dtype == sent.dtype
        assert got.shape == sent.shape
        assert (got == -sent).all()
    ours.send(None)
    child.result()


def test_an_end_goes_through_an_end(trial: Trial, pipe: Ends) -> None:
    """To a process that has it then; each half of a one-way pipe too."""
    ours, theirs = pipe
    child = trial.child(_use_what_comes, theirs)
    mine, yours = interlock.Pipe()
    reading, writing = interlock.Pipe(duplex=False)
    ours.send({"answer on": [yours, writing]})
    yours.close()
    writing.close()
    assert mine.recv() == "duplex"
    assert reading.recv() == "one way"
    child.result()
    for end in (mine, reading):
        with pytest.raises(EOFError):
            end.recv()
        end.close()


def test_an_end_whose_sender_is_gone_says_so(trial: Trial, pipe: Ends) -> None:
    """SenderGone; the line goes on."""
    ours, theirs = pipe
    pid = trial.child(_send_an_end, theirs).result()
    theirs.send("next")
    with pytest.raises(SenderGone) as caught:
        ours.recv()
    assert caught.value.pid == pid
    assert ours.recv() == "next"


def test_ten_thousand_messages_leak_no_descriptor(trial: Trial, pipe: Ends) -> None:
    """Nor do a hundred pipes."""
    ours, theirs = pipe
    child = trial.child(_return_all, theirs)
    for number in range(10):
        ours.send(number)
        ours.recv()
    before = len(os.listdir("/proc/self/fd"))
    for number in range(10_000):
        ours.send((number, bytes(number % 3 * 3_000)))
        assert ours.recv()[0] == number
    for _ in range(100):
        first, second = interlock.Pipe()
        first.send(bytes(100_000))
        assert len(second.recv()) == 100_000
        first.close()
        second.close()
    assert len(os.listdir("/proc/self/fd")) <= before
    ours.send(None)
    child.result()


def test_wait_takes_everything_together(trial: Trial, pipe: Ends) -> None:
    """Connections, queues, sockets, sentinels and descriptors; each when it is ready."""
    ours, theirs = pipe
    queue = trial.make()
    reading, writing = os.pipe()
    told, tell = trial.pipe()
    process = trial.context.Process(target=_wait_for_word, args=(told,))
    process.start()
    things = [ours, queue, reading, process.sentinel, told]
    assert wait(things, 0) == []
    assert wait(things, 0.02) == []
    child = trial.child(_make_ready, theirs, queue)
    found: list[Any] = []
    while len(found) < 2:
        found = wait([ours, queue], 30)
    assert found == [ours, queue]
    os.write(writing, b"x")
    assert wait(things, 30) == [ours, queue, reading]
    assert ours.recv() == "line"
    assert queue.get() == "queue"
    assert os.read(reading, 1) == b"x"
    tell.send_bytes(b"end")
    process.join(30)
    assert wait(things, 30) == [process.sentinel]
    assert process.exitcode == 0
    child.result()
    os.close(reading)
    os.close(writing)


def test_wait_wakes_for_a_message_that_comes_later(trial: Trial, pipe: Ends) -> None:
    """A sleeper is rung, whichever of its things gets one."""
    ours, theirs = pipe
    queue = trial.make()
    ways: list[tuple[Callable[[], Any], Any, Callable[[], Any]]] = [
        (lambda: queue.put(1), queue, queue.get),
        (lambda: theirs.send(1), ours, ours.recv),
    ]
    for make_ready, expected, take in ways:
        waiting = trial.thread(wait, [ours, queue], 30)
        waiting.wait_asleep()
        make_ready()
        assert waiting.result() == [expected]
        take()


def test_wait_sees_the_end_of_a_peer(trial: Trial, pipe: Ends) -> None:
    """An end whose peers are all dead is ready: recv() would not wait."""
    ours, theirs = pipe
    child = trial.child(_only_wait, theirs)
    child.wait_begun()
    theirs.close()
    waiting = trial.thread(wait, [ours], 30)
    waiting.wait_asleep()
    child.kill()
    assert waiting.result() == [ours]


def test_wait_refuses_what_is_closed(pipe: Ends) -> None:
    """OSError for a connection, ValueError for a queue: as their methods do."""
    ours, _ = pipe
    queue = interlock.Queue()
    queue.close()
    ours.close()
    with pytest.raises(ValueError, match="closed"):
        wait([queue], 0)
    with pytest.raises(OSError, match="closed"):
        wait([ours], 0)


def _send_letters(end: Any, name: str, count: int, size: int) -> None:
    chance = random.Random(name)
    for number in range(count):
        body = chance.randbytes(8) * (size // 8)
        end.send((name, number, body))


def _receive_letters(end: Any) -> list[tuple[str, int]]:
    chances: dict[str, random.Random] = {}
    got = []
    while (letter := end.recv()) is not None:
        name, number, body = letter
        assert body == body[:8] * (len(body) // 8), f"{name} {number} is torn"
        chances.setdefault(name, random.Random(name))
        got.append((name, number))
    return got


def _send_and_wait(end: Any, told: Any) -> None:
    end.send("first")
    end.send("second")
    told.send_bytes(b"sent")
    threading.Event().wait()  # to be killed


def _only_wait(end: Any) -> None:
    assert not end.closed
    threading.Event().wait()  # to be killed


def _receive_all(end: Any) -> list[Any]:
    got = []
    try:
        while True:
            got.append(end.recv())
    except EOFError:
        return got


def _fill(end: Any) -> None:
    while True:
        end.send_bytes(bytes(30_000))


def _negate(end: Any) -> None:
    while (array := end.recv(writable=True)) is not None:
        numpy.negative(array, out=array)  # it is ours to change
        end.send(array)


def _use_what_comes(end: Any) -> None:
    duplex, one_way = end.recv()["answer on"]
    duplex.send("duplex")
    one_way.send("one way")


def _send_an_end(end: Any) -> int:
    mine, _ = interlock.Pipe()
    end.send(mine)
    return os.getpid()


def _return_all(end: Any) -> None:
    while (message := end.recv()) is not None:
        end.send(message)


def _wait_for_word(told: Any) -> None:
    told.recv_bytes()


def _make_ready(end: Any, queue: Any) -> None:
    end.send("line")
    queue.put("queue")
