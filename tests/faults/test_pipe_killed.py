"""Every probe point, a process killed there that has an end of a pipe: no message is torn or lost.

P2: as for a queue, whichever end it was and whoever else has that end too. When the killed one
was the last that had its end, the other end is told so, after the last message.

How: a child on the build with crash points sends or receives, and is killed at one point. The
parent has both ends, but for where the child is to be the last that has one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.testing import wait_asleep
from tests.faults.doomed import LONG_S, Diary, Point, doomed
from tests.faults.letters import Letter, read, write
from tests.faults.stage import Stage
from tests.faults.survivor import GLANCE_S, STALL_S, check_pipe_sound, promptly, receive_all
from tests.faults.test_queue_consumer_killed import AT_ONCE, NOT_DONE, TAKEN
from tests.faults.test_queue_producer_killed import IN_THE_RING, POINTS

MAX_BYTES = 4 << 20
LETTERS = 16
PASSES = (0, 3)
KILLED = "7"  # the writer of raw letters has a number for a name


def send(diary: Diary, end: Any, kind: str) -> None:
    put = end.send_bytes if kind == "raw" else end.send
    for number in range(LETTERS):
        put(write(Letter(kind, KILLED, number)))
        diary.write(number)


def receive(diary: Diary, end: Any, kind: str) -> None:
    take = end.recv_bytes if kind == "raw" else end.recv
    for _ in range(LETTERS):
        diary.write(read(take()).number)


def receive_all_of(end: Any, kind: str) -> list[Letter]:
    """As receive_all(), by recv_bytes() where it must be."""
    if kind != "raw":
        return receive_all(end)
    found = []
    while promptly(end.poll, GLANCE_S):
        found.append(read(promptly(end.recv_bytes)))
    return found


SENDING = {**POINTS, "raw": POINTS["large"]}
RECEIVING = {
    "small": AT_ONCE,
    "note": TAKEN,
    "array": [*TAKEN, "get.borrowed", "get.block_freed", "borrow.released"],
    "raw": [*TAKEN, "get.block_freed"],
}
SENDERS = [(kind, name) for kind, names in SENDING.items() for name in names]
RECEIVERS = [(kind, name) for kind, names in RECEIVING.items() for name in names]


def sender_scenario(method: str, kind: str, point: Point) -> bool:
    """Whether the sender died at the point."""
    here, there = interlock.get_context(method).Pipe(max_bytes=MAX_BYTES)
    before, after = Letter(kind, "1", 0), Letter(kind, "2", 0)
    put = there.send_bytes if kind == "raw" else there.send
    put(write(before))
    take = here.recv_bytes if kind == "raw" else here.recv
    assert read(promptly(take)) == before  # and there is a free block
    assert not promptly(here.poll)
    with doomed(interlock.get_context(method), send, point, there, kind) as sender:
        died = sender.end()
        returned = len(sender.diary())
    promptly(put, write(after))
    found = receive_all_of(here, kind)
    arrived = len(found) - 1
    assert returned <= arrived <= returned + 1, f"{returned} of its sends returned; {found} came"
    assert found == [*(Letter(kind, KILLED, number) for number in range(arrived)), after]
    check_pipe_sound(here, there, max_bytes=MAX_BYTES)
    return died


def receiver_scenario(method: str, kind: str, point: Point) -> bool:
    """Whether the receiver died at the point."""
    here, there = interlock.get_context(method).Pipe(max_bytes=MAX_BYTES)
    put = here.send_bytes if kind == "raw" else here.send
    for number in range(LETTERS):
        put(write(Letter(kind, "1", number)))
    with doomed(interlock.get_context(method), receive, point, there, kind) as receiver:
        died = receiver.end()
        taken = receiver.diary()
    found = [letter.number for letter in receive_all_of(there, kind)]
    at_hand = len(taken)  # the number of the one that it was receiving: it comes last, or not
    missing = set(range(LETTERS)) - set(taken) - set(found)
    assert missing <= (set() if point.name in NOT_DONE else {at_hand}), f"{missing} are lost"
    in_order = [number for number in taken + found if number != at_hand]
    assert in_order == [number for number in range(LETTERS) if number != at_hand]
    assert found.count(at_hand) <= 1
    check_pipe_sound(here, there, max_bytes=MAX_BYTES)
    return died


@pytest.mark.parametrize(("kind", "name"), SENDERS)
def test_what_a_killed_sender_had_sent_arrives_once_and_whole(
    kind: str, name: str, with_crash_points: Stage
) -> None:
    """P2, P3, I2, I3: at every point where a sender comes by; the end is not broken by it."""
    for passes in PASSES:
        died = with_crash_points.run(sender_scenario, "fork", kind, Point(name, passes))
        assert died or passes, f"a sender of {kind} messages never comes to {name}"


@pytest.mark.parametrize(("kind", "name"), RECEIVERS)
def test_what_a_killed_receiver_had_not_finished_is_received(
    kind: str, name: str, with_crash_points: Stage
) -> None:
    """P2, P3, I2, I3: by another one that has the same end."""
    for passes in PASSES:
        died = with_crash_points.run(receiver_scenario, "fork", kind, Point(name, passes))
        assert died or passes, f"a receiver of {kind} messages never comes to {name}"


@pytest.mark.parametrize("scenario", [sender_scenario, receiver_scenario])
@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_its_user_may_be_started_in_any_way(
    method: str, scenario: Callable[..., bool], with_crash_points: Stage
) -> None:
    """P8, P2: as under fork."""
    name = "put.queued_block" if scenario is sender_scenario else "get.taken"
    assert with_crash_points.run(scenario, method, "raw", Point(name, 1))


def last_sender_scenario(method: str, name: str) -> None:
    """A receiver waits while the last one that can send to it is killed."""
    context = interlock.get_context(method)
    here, there = context.Pipe(duplex=False, max_bytes=MAX_BYTES)
    found: list[Letter] = []
    ended = threading.Event()

    def receive_to_the_end() -> None:
        with pytest.raises(EOFError):
            while True:
                found.append(read(here.recv()))
        ended.set()

    with doomed(context, send, Point(name, 3), there, "small") as sender:
        there.close()
        reader = threading.Thread(target=receive_to_the_end, daemon=True)
        reader.start()
        assert sender.end()
        assert ended.wait(STALL_S), "nobody told the receiver"
        returned = len(sender.diary())
    assert found == [Letter("small", KILLED, number) for number in range(len(found))]
    assert returned <= len(found) <= returned + 1


def last_receiver_scenario(method: str, name: str) -> None:
    """A sender waits for room while the last one that can make some is killed."""
    context = interlock.get_context(method)
    here, there = context.Pipe(duplex=False, max_bytes=1 << 20)
    ended = threading.Event()

    def send_to_the_end() -> None:
        with pytest.raises(BrokenPipeError):
            while True:
                there.send(write(Letter("large", "1", 0)))
        ended.set()

    stopped = Point(name, 3, stop=True)
    with doomed(context, receive, stopped, here, "large") as receiver:
        here.close()
        writer = threading.Thread(target=send_to_the_end, daemon=True)
        writer.start()
        receiver.wait_stopped()
        wait_asleep(writer, LONG_S)
        receiver.process.kill()
        assert ended.wait(STALL_S), "nobody told the sender"
        assert receiver.end()


@pytest.mark.parametrize("name", ["put.written", "put.committed", "put.counted", "mutex.unlocked"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_receiver_is_told_when_the_last_sender_is_killed(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """P3: EOFError within a second, after all that was sent."""
    with_crash_points.run(last_sender_scenario, method, name)


@pytest.mark.parametrize("name", ["mutex.locked", "get.taken", "get.done", "get.settled"])
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_a_sender_is_told_when_the_last_receiver_is_killed(
    method: str, name: str, with_crash_points: Stage
) -> None:
    """P3: BrokenPipeError within a second, though it was waiting for room."""
    with_crash_points.run(last_receiver_scenario, method, name)


def test_the_points_of_a_pipe_are_those_of_a_queue() -> None:
    """What sends comes by the same steps as what puts."""
    assert set(IN_THE_RING) <= {name for _, name in SENDERS}
