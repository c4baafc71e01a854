"""What arrives: an equal object of the same type, by every way."""

from __future__ import annotations

from typing import Any

from interlock.context import default_context
from interlock.serialize import Part, dumps, explain, loads
from interlock.testing.contract import contract, must
from interlock.testing.registered_contracts.subject import Subject
from interlock.testing.trial import Trial

__all__ = ["CONTRACTS"]

BATCH = 20


@contract()
def it_is_registered(trial: Trial) -> None:
    """Under trust="registered" every part of it is plain or registered."""
    told = explain(trial.factory(), trust="registered")
    must(not told.problems, "\n".join(map(_shown, told.problems)))


@contract()
def it_arrives_equal(trial: Trial) -> None:
    """loads(dumps(object)) is of the same type and equal, under both levels of trust."""
    subject = _subject(trial)
    sent = subject()
    for trust in ("registered", "process"):
        got = loads(dumps(sent, trust=trust), trust=trust)
        subject.must_equal(got, sent, f'Under trust="{trust}"')
    subject.must_equal(sent, subject(), "Once it was sent")


@contract()
def its_buffers_may_go_beside_it(trial: Trial) -> None:
    """With its large buffers out of band, it arrives equal too."""
    subject = _subject(trial)
    sent, buffers = subject(), list[Any]()
    data = dumps(sent, buffers=buffers)
    subject.must_equal(loads(data, buffers=buffers), sent, f"With {len(buffers)} buffers beside")


@contract("sharing")
def what_was_one_is_one(trial: Trial) -> None:
    """An object that is in a message twice is one object on the other side."""
    sent = trial.factory()
    one, other = loads(dumps([sent, sent]))
    must(one is other, "They are two.")


@contract()
def older_messages_are_read(trial: Trial) -> None:
    """A message of an older version becomes the object that it should."""
    subject = _subject(trial)
    for data, expected in subject.older:
        subject.must_equal(loads(data), expected, f"From {data!r:.100}")


@contract("processes")
def it_crosses_to_a_process_and_back(trial: Trial) -> None:
    """Through a queue there, and through a pipe back, it arrives equal, each of many."""
    subject = _subject(trial)
    queue: Any = default_context.Queue(trust="registered")
    receiver, sender = default_context.Pipe(duplex=False, trust="registered")
    try:
        child = trial.child(_send_back, queue, sender, subject)
        for _ in range(BATCH):
            queue.put(subject())
        for _ in range(BATCH):
            must(receiver.poll(trial.rest_s()), "Nothing came back.")
            subject.must_equal(receiver.recv(), subject(), "There and back")
        child.result()
    finally:
        for each in (queue, receiver, sender):
            each.close()


def _send_back(queue: Any, sender: Any, subject: Subject) -> None:
    for _ in range(BATCH):
        got = queue.get()
        subject.must_equal(got, subject(), "In another process")
        sender.send(got)


def _shown(problem: Part) -> str:
    return f"{problem.path} ({problem.type}): {problem.reason}. {problem.advice or ''}"


def _subject(trial: Trial) -> Subject:
    subject = trial.factory
    assert isinstance(subject, Subject)
    return subject


CONTRACTS = (
    it_is_registered,
    it_arrives_equal,
    its_buffers_may_go_beside_it,
    what_was_one_is_one,
    older_messages_are_read,
    it_crosses_to_a_process_and_back,
)
