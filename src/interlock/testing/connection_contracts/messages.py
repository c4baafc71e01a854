"""What arrives: the same objects, whole, once, each sender's in its order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from interlock.testing.contract import contract, must
from interlock.testing.samples import (
    SIZES,
    arrays,
    assorted,
    first_fault,
    must_be_array,
    must_be_pattern,
    pattern,
)
from interlock.testing.trial import Task, Trial

__all__ = ["CONTRACTS"]

EACH = 200  # messages of a sender
SHARED_SIZES = (10, 3000, 90_000)  # over what a pipe(2) writes at once


@contract()
def what_is_received_is_what_was_sent(trial: Trial) -> None:
    """recv() returns an object of the same type and value as the one that was sent."""
    receiver, sender = trial.make(duplex=False)
    for sent in assorted():
        sender.send(sent)
        got = receiver.recv()
        must(type(got) is type(sent) and repr(got) == repr(sent), f"{sent!r} arrived as {got!r}.")


@contract()
def first_sent_is_first_received(trial: Trial) -> None:
    """Messages of one sender are received in the order in which they were sent."""
    receiver, sender = trial.make(duplex=False)
    child = trial.child(_send_numbers, sender)
    got = [receiver.recv() for _ in range(EACH)]
    must(got == list(range(EACH)), f"They came as {first_fault(got)}.")
    child.result()


@contract("duplex")
def both_ends_send_and_receive(trial: Trial) -> None:
    """Each end of a duplex pipe receives what the other one sends, both at the same time."""
    first, second = trial.make()
    child = trial.child(_send_numbers, second)
    _send_numbers(first)
    must([first.recv() for _ in range(EACH)] == list(range(EACH)), "The first end got another.")
    child.result()
    must([second.recv() for _ in range(EACH)] == list(range(EACH)), "The second end got another.")


@contract()
def large_messages_are_whole(trial: Trial) -> None:
    """A message of any size arrives with all its bytes, to a child and back."""
    there, sender = trial.make(duplex=False)
    receiver, back = trial.make(duplex=False)
    child = trial.child(_echo, there, back, len(SIZES))
    for size in SIZES:
        sender.send(pattern(size))
        must_be_pattern(receiver.recv(), size)
    child.result()


@contract("arrays")
def arrays_arrive_equal(trial: Trial) -> None:
    """A numpy array of any layout arrives with the same type, shape and contents."""
    there, sender = trial.make(duplex=False)
    receiver, back = trial.make(duplex=False)
    sent = arrays()
    trial.child(_echo, there, back, len(sent))
    for array in sent:
        sender.send(array)
        must_be_array(receiver.recv(), array)


@contract()
def what_cannot_travel_fails_at_send(trial: Trial) -> None:
    """send() itself raises for an object that cannot be serialized, and sends nothing."""
    receiver, sender = trial.make(duplex=False)
    try:
        sender.send({"guilty": lambda: None})
    except Exception:  # of any type: what pickle or the object raised
        sender.send("next")
        must(receiver.recv() == "next", "Something was sent all the same.")
        return
    raise AssertionError("It raised nothing for a lambda.")


@contract("many")
def many_senders_share_an_end(trial: Trial) -> None:
    """Threads and processes send on one end at once; each message is whole, each in its order."""
    receiver, sender = trial.make(duplex=False)
    senders: list[Task] = [
        *(trial.thread(_send_signed, sender, f"thread {n}") for n in range(2)),
        *(trial.child(_send_signed, sender, f"process {n}") for n in range(2)),
    ]
    got = [_checked(receiver.recv()) for _ in range(4 * EACH)]
    for task in senders:
        task.result()
    for who in {name for name, _ in got}:
        numbers = [number for name, number in got if name == who]
        must(numbers == list(range(EACH)), f"The messages of {who} came as {first_fault(numbers)}.")


@contract("many")
def many_receivers_share_an_end(trial: Trial) -> None:
    """Threads and processes receive on one end at once; each message goes to one of them."""
    receiver, sender = trial.make(duplex=False)
    receivers: list[Task] = [
        *(trial.thread(_receive_signed, receiver) for _ in range(2)),
        *(trial.child(_receive_signed, receiver) for _ in range(2)),
    ]
    _send_signed(sender, "one")
    for _ in receivers:
        sender.send(None)
    counts = Counter(message for task in receivers for message in task.result())
    must(set(counts) == {("one", number) for number in range(EACH)}, "Some were lost.")
    must(set(counts.values()) == {1}, "Some came twice.")


@contract("travel")
def it_travels_in_a_message(trial: Trial) -> None:
    """An end that is sent over another pipe is the same end for whoever receives it."""
    receiver, sender = trial.make(duplex=False)
    cargo_receiver, cargo = trial.make(duplex=False)
    child = trial.child(_answer_on_cargo, receiver)
    sender.send(cargo)
    must(cargo_receiver.recv() == "from the child", "Something else came out of it.")
    child.result()


@contract("many", "killed")
def a_killed_sender_leaves_the_end_whole(trial: Trial) -> None:
    """When one of several senders is killed, what it had sent arrives, and the others go on."""
    receiver, sender = trial.make(duplex=False)
    for kill in range(5):
        child = trial.child(_send_for_ever, sender)
        got = [_checked(receiver.recv()) for _ in range(10 + kill)]
        child.kill()
        sender.send(None)
        got += iter(lambda: _checked(receiver.recv()), None)
        numbers = [number for _, number in got]
        must(numbers == list(range(len(got))), f"Its messages came as {numbers[-5:]}.")


def _send_numbers(sender: Any) -> None:
    for number in range(EACH):
        sender.send(number)


def _echo(there: Any, back: Any, count: int) -> None:
    for _ in range(count):
        back.send(there.recv())


def _send_signed(sender: Any, who: str) -> None:
    for number in range(EACH):
        sender.send(_signed(who, number))


def _send_for_ever(sender: Any) -> None:
    number = 0
    while True:
        sender.send(_signed("doomed", number))
        number += 1


def _signed(who: str, number: int) -> tuple[str, int, bytes]:
    return who, number, pattern(SHARED_SIZES[number % len(SHARED_SIZES)])


def _checked(message: Any) -> Any:
    """Who sent it, and its number; None for the end."""
    if message is None:
        return None
    who, number, body = message
    must_be_pattern(body, SHARED_SIZES[number % len(SHARED_SIZES)])
    return who, number


def _receive_signed(receiver: Any) -> list[Any]:
    return list(iter(lambda: _checked(receiver.recv()), None))


def _answer_on_cargo(receiver: Any) -> None:
    cargo = receiver.recv()
    cargo.send("from the child")
    cargo.close()


CONTRACTS = (
    what_is_received_is_what_was_sent,
    first_sent_is_first_received,
    both_ends_send_and_receive,
    large_messages_are_whole,
    arrays_arrive_equal,
    what_cannot_travel_fails_at_send,
    many_senders_share_an_end,
    many_receivers_share_an_end,
    it_travels_in_a_message,
    a_killed_sender_leaves_the_end_whole,
)
