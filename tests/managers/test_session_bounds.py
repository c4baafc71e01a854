"""What a server keeps for one client is bounded, and all of it is let go at the end (P2, P4)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from interlock.errors import NoSuchObject, WireError
from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.objects import Exposed
from interlock.managers.references import Shared
from interlock.managers.serving.request import Request
from interlock.managers.serving.session import Session
from interlock.managers.wire.bodies import Answer, Answers, Call, Calls, Hello, encode
from interlock.managers.wire.frames import Message

PEER = Peer("key", "tcp", "here")
BOUNDS = Bounds(calls=4, call_bytes=1000, kept_bytes=100)
ANSWER = encode(Answers([Answer(False, b"x" * 90)]))


def session(bounds: Bounds = BOUNDS) -> Session:
    return Session(b"s" * 16, b"k" * 32, PEER, bounds)


def calls(number: int, size: int = 0, done: tuple[int, ...] = ()) -> Message:
    kind, body, _ = encode(Calls(number, list(done), [Call(1, "m", b"x" * size)]))
    return Message(kind, number, body, [])


def received(of: Session, *messages: Message) -> list[Request]:
    """The requests, which are about to be run."""
    for message in messages:
        of.received(message)
    return [of.ready.popleft() for _ in messages]


def test_who_sends_more_calls_than_it_was_told_is_refused() -> None:
    """Answered ones count until they are acknowledged."""
    client = session()
    for request in received(client, *map(calls, range(1, 5))):
        client.answered(request, ANSWER)
    with pytest.raises(WireError, match="More than 4 calls"):
        client.received(calls(5))
    client.received(calls(5, done=(1,)))


def test_who_sends_more_bytes_than_it_was_told_is_refused() -> None:
    """In all calls that have no answer."""
    client = session()
    (first,) = received(client, calls(1, 600))
    with pytest.raises(WireError, match="More than 1000 bytes"):
        client.received(calls(2, 600))
    client.answered(first, ANSWER)
    client.received(calls(2, 600))


def test_who_takes_no_answers_has_no_more_calls_begun() -> None:
    """Until it has acknowledged some."""
    client = session()
    for request in received(client, calls(1), calls(2)):
        client.answered(request, ANSWER)
    client.received(calls(3))
    assert not client.may_begin
    client.acknowledge(1)
    assert client.may_begin


def test_a_call_that_was_given_up_does_not_come_behind_the_next_connection() -> None:
    """Who came back without it may not send it any more: its number is taken."""
    client = session(replace(BOUNDS, calls=100))
    client.received(calls(2))
    client.resume(Hello(b"s" * 16, b"k" * 32, [2], 1), PEER)
    with pytest.raises(WireError, match="a second time"):
        client.received(calls(1))


def test_a_reference_that_was_given_twice_is_taken_back_twice() -> None:
    """One that is under way when another is dropped keeps the object."""
    client, shared = session(), Shared(7, object(), Exposed("plain", None, {}))
    client.give(shared)
    client.give(shared)
    client.take_back(7, 1)
    assert client.find(7) is shared
    client.take_back(7, 1)
    with pytest.raises(NoSuchObject):
        client.find(7)


def test_what_a_cancelled_call_has_taken_is_undone_at_its_answer() -> None:
    """The client said that it waits no more while the call was at its end."""
    client, undone = session(), list[str]()
    (request,) = received(client, calls(1))
    client.hold_until_known(request, lambda: undone.append("first"), lambda: None)
    client.hold_until_known(request, lambda: undone.append("last"), lambda: None)
    client.cancel(1)
    assert undone == []
    client.answered(request, ANSWER)
    assert undone == ["last", "first"]
    client.end()
    assert undone == ["last", "first"]


def test_what_is_taken_behind_the_end_is_undone_at_once() -> None:
    """A method in a thread goes on when its client is gone."""
    client, undone = session(), list[int]()
    (request,) = received(client, calls(1))
    client.end()
    client.hold_until_known(request, lambda: undone.append(1), lambda: None)
    assert undone == [1]


def test_what_cannot_be_released_does_not_keep_the_rest() -> None:
    """The error is told to the server, and all others are free."""
    client, released = session(), list[str]()

    def fail() -> None:
        raise OSError("it cannot be released")

    client.hold("a", lambda: released.append("a"))
    client.hold("b", fail)
    client.hold("c", lambda: released.append("c"))
    (error,) = client.end()
    assert "cannot be released" in str(error)
    assert released == ["c", "a"]
