"""trust= and limits= go with a handle, hold in every process, and lose no message."""

from __future__ import annotations

import asyncio
import pickle
import threading
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.errors import DecodeError, SerializationError
from interlock.serialize.trust import Terms
from tests.serialize.registered.models import Row, Unregistered
from tests.serialize.terms.peers import KINDS, NEXT, SMALL, Canary, Ends, every_kind, take_all

WITHIN_S = 30.0


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def test_terms_hold_in_the_process_that_a_handle_was_sent_to(
    context: BaseContext, tmp_path: Path
) -> None:
    """P4: fork, spawn, forkserver; a pickle is not run there, and what is too long not made."""
    canary, back = tmp_path / "canary", context.Queue()
    with every_kind(context, trust="registered", limits=SMALL) as handles:
        for ends in handles:
            ends.put_anything(Canary(str(canary)))
            ends.put_anything(list(range(11)))
            ends.put_anything("a" * 101)
            ends.put(NEXT)
        reader = context.Process(target=take_all, args=(handles, 4, back))
        reader.start()
        found = [back.get(timeout=WITHIN_S) for _ in handles]
        reader.join(WITHIN_S)
    terms = Terms("registered", SMALL, writable=False)
    refused = ["DecodeError"] * 3
    assert found == [(kind, "registered", terms, [*refused, NEXT]) for kind in KINDS]
    assert not canary.exists()
    back.close()


def test_the_canary_would_have_sung(context: BaseContext, tmp_path: Path, kind: str) -> None:
    """The test above is no empty one: under trust="process" the same message runs."""
    ends = Ends.of(context, kind)
    ends.put_anything(Canary(str(tmp_path / "canary")))
    assert ends.outcome() is None
    assert (tmp_path / "canary").is_dir()
    ends.close()


def test_a_pickle_in_raw_bytes_is_refused_by_recv(tmp_path: Path) -> None:
    """P4: what send_bytes sends is as good as any message; recv_bytes gives it as it is."""
    reading, writing = interlock.Pipe(trust="registered")
    data = pickle.dumps(Canary(str(tmp_path / "canary")))
    writing.send_bytes(data)
    with pytest.raises(DecodeError, match='trust="registered"'):
        reading.recv()
    writing.send_bytes(data)
    assert reading.recv_bytes() == data
    writing.send([1])
    assert reading.recv() == [1]
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("guilty", [object(), Unregistered.ONE, threading.Lock(), len, int])
def test_what_is_not_registered_is_refused_where_it_is_put(kind: str, guilty: Any) -> None:
    """P6: with the path to it; nothing was sent, and the next message comes."""
    ends = Ends.of(interlock.get_context(), kind, trust="registered")
    for message in ({"rows": [1, (guilty,)]}, [[Row(1, "a", [guilty])]]):
        with pytest.raises(SerializationError, match="Nothing was sent") as caught:
            ends.put(message)
        assert caught.value.path in ("$['rows'][1][0]", "$[0][0].tags[0]")
    ends.put("next")
    assert ends.take() == "next"
    ends.close()


def test_put_many_says_how_many_it_put_before_the_one_that_is_refused() -> None:
    """P6: or the sender could not know which of them to send again."""
    queue = interlock.Queue(trust="registered")
    with pytest.raises(SerializationError) as caught:
        queue.put_many([1, 2, object(), 4])
    accepted: Any = caught.value
    assert accepted.accepted == 2
    queue.put("next")
    assert queue.get_many(5) == [1, 2, "next"]
    queue.close()


def test_a_message_that_is_refused_is_taken_and_the_next_one_comes(kind: str) -> None:
    """P2: a stranger's bytes do not stop the channel."""
    ends = Ends.of(interlock.get_context(), kind, trust="registered", limits=SMALL)
    for number in range(20):
        ends.put_anything([[[[[[number]]]]]])
        ends.put(number)
    assert [ends.outcome() for _ in range(40)] == [
        each for number in range(20) for each in ("DecodeError", number)
    ]
    ends.close()


def test_terms_hold_for_awaited_calls(tmp_path: Path) -> None:
    """P10: `.aio` of a queue and of a pipe refuses what the calls refuse that block."""
    ends = [
        Ends.of(interlock.get_context(), kind, trust="registered") for kind in ("Queue", "Pipe")
    ]

    async def attempt(ends: Ends) -> Any:
        is_pipe = ends.kind == "Pipe"
        writer, reader = ends.writing.aio, ends.reading.aio
        put, take = (writer.send, reader.recv) if is_pipe else (writer.put, reader.get)
        with pytest.raises(SerializationError) as caught:
            await put([object()])
        assert caught.value.path == "$[0]"
        ends.put_anything(Canary(str(tmp_path / "canary")))
        with pytest.raises(DecodeError):
            await take()
        await put(Row(1))
        return await take()

    for each in ends:
        assert asyncio.run(attempt(each)) == Row(1)
        each.close()
    assert not (tmp_path / "canary").exists()


def test_a_lease_and_a_dead_letter_are_under_the_same_terms() -> None:
    """P4: every way to a message is a way through the terms."""
    queue = interlock.Queue(trust="registered", max_deliveries=1)
    ends = Ends("Queue", queue, queue)
    ends.put_anything(Canary("/nowhere/at/all"))
    with pytest.raises(DecodeError), queue.lease(timeout=WITHIN_S) as delivery:
        assert delivery.message is None
    assert (queue.qsize(), queue.dead_letters.qsize()) == (0, 1)
    with pytest.raises(DecodeError):
        queue.dead_letters.get_nowait()
    queue.close()


@pytest.mark.parametrize(
    ("terms", "error", "reason"),
    [
        ({"trust": "anybody"}, ValueError, '"process" or "registered"'),
        ({"limits": SMALL}, ValueError, "limits are for"),
        ({"trust": "registered", "limits": {"max_items": 1}}, TypeError, "limits is"),
    ],
)
def test_terms_that_make_no_sense_are_refused_at_once(
    kind: str, terms: Any, error: type[Exception], reason: str
) -> None:
    """P6: where they are given, not where the first message is read."""
    with pytest.raises(error, match=reason):
        getattr(interlock, kind)(**terms)
