"""Frames that were recorded in one session are played in another, or again in the same (P2, P4)."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from interlock.errors import NoSuchObject
from interlock.managers.faults import unpack_fault
from interlock.managers.keys import Authority
from interlock.managers.tls import Credentials, client_context
from interlock.managers.wire.bodies import (
    Answer,
    Answers,
    Bye,
    Cancel,
    Hello,
    Welcome,
    decode,
    encode,
)
from interlock.managers.wire.frames import Kind, Message, pieces
from interlock.managers.wire.values import unpack
from tests.hostile.port.stranger import Honest, Raw, call, calls
from tests.managers.served import Served

ADD = call(1, "add", 1)


@pytest.fixture
def served() -> Iterator[Served]:
    with Served(("127.0.0.1", 0)) as served:
        yield served


def frame(number: int, body: Bye | Cancel) -> bytes:
    kind, data, buffers = encode(body)
    return b"".join(part for piece in pieces(kind, number, data, buffers) for part in piece)


def answer(message: Message) -> Answer:
    """The one that a frame of answers has."""
    assert message.kind is Kind.ANSWERS
    (found,) = decode(message, Answers).answers
    return found


def value(message: Message) -> object:
    found = answer(message)
    assert not found.failed
    return unpack(found.data, [])


def entered(raw: Raw) -> Welcome:
    """Come to a session, find the server's own counter, and call it once."""
    welcome = raw.enter()
    for number, made in enumerate((call(0, "find", "shared"), ADD), 1):
        raw.send(calls(number, made))
        raw.message()
    return welcome


def test_calls_of_another_session_reach_nothing_that_is_not_ones_own(served: Served) -> None:
    """A number of an object means something in its own session only."""
    with Honest(served.address), Raw(served.address) as raw, Raw(served.address) as thief:
        entered(raw)
        thief.enter()
        thief.send(calls(1, ADD))
        refused = answer(thief.message())
        assert refused.failed
        assert isinstance(unpack_fault(refused.data, []), NoSuchObject)
        raw.send(calls(3, call(1, "add", 0)))
        assert value(raw.message()) == 1


def test_what_one_session_gives_back_ends_or_cancels_is_its_own(served: Served) -> None:
    """RELEASE, CANCEL and BYE that another has sent, played in a session that has none of it."""
    with Raw(served.address) as raw, Raw(served.address) as thief:
        entered(raw)
        raw.send(calls(3, call(0, "create Gate")))
        raw.message()
        raw.send(calls(4, call(2, "wait"), lane=2))
        thief.enter()
        thief.send(calls(1, call(0, "release", {1: 5, 2: 5})))
        thief.message()
        thief.send(frame(4, Cancel()) + frame(0, Bye("")))
        assert thief.is_cut()
        raw.send(calls(5, call(2, "open")))
        assert [raw.message().call, raw.message().call] == [5, 4]
        raw.send(calls(6, call(1, "add", 0)))
        assert value(raw.message()) == 1


def test_frames_are_not_run_again_by_another_connection_of_their_session(served: Served) -> None:
    """A client that has come back, and sends what was run before: it is cut, and nothing is run."""
    with Raw(served.address) as raw, Raw(served.address) as again, Raw(served.address) as third:
        welcome = entered(raw)
        again.enter(Hello(welcome.session, welcome.secret, []))
        assert raw.is_cut()
        again.send(calls(2, ADD))
        assert again.is_cut()
        third.enter(Hello(welcome.session, welcome.secret, []))
        third.send(calls(3, call(1, "add", 0)))
        assert value(third.message()) == 1


def test_a_session_is_of_one_name_whoever_knows_its_secret(authority: Authority) -> None:
    """A HELLO that another client has sent is worth nothing under another certificate."""
    keys = authority.directory
    with Served(("127.0.0.1", 0), authkey=None, ssl=Credentials(keys, "hub")) as served:
        worker, other = (client_context(keys, name) for name in ("worker", "other"))
        with Raw(served.address, worker) as raw, Raw(served.address, other) as thief:
            welcome = entered(raw)
            with pytest.raises(ConnectionError, match="of worker, not of other"):
                thief.enter(Hello(welcome.session, welcome.secret, []))
            raw.send(calls(3, call(1, "add", 0)))
            assert value(raw.message()) == 1


def test_a_recorded_way_back_into_a_session_cannot_be_played_again(served: Served) -> None:
    """Its proof is over the nonces of another connection; who has the session goes on."""
    with Raw(served.address) as raw, Raw(served.address) as thief:
        welcome = entered(raw)
        with Raw(served.address) as back:
            back.enter(Hello(welcome.session, welcome.secret, []))
            recorded = back.sent
            with contextlib.suppress(ConnectionError):
                thief.send(recorded)
            assert thief.is_cut()
            back.send(calls(3, call(1, "add", 0)))
            assert value(back.message()) == 1
