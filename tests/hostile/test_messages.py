"""The corpus as messages: what takes plain values and registered types takes no pickle.

How: the bytes are given to `loads`, and sent to an end and to a queue with
``trust="registered"``: as bytes where an object is expected, and by a peer that has changed its
own level of trust and its pickler, so that they arrive marked as the pickle of an object.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

import interlock
from interlock.errors import DecodeError
from interlock.serialize import codec, loads
from interlock.serialize.trust import Terms
from tests.hostile import victims
from tests.hostile.corpus.assembler import by_stack
from tests.hostile.corpus.themes import THEMES
from tests.hostile.victims import differences, extensions, traces

BOUND_S = 30.0
Receive = Callable[[bytes], Any]


def by_loads() -> Receive:
    """The bytes as they are, and as `dumps` marks a pickle."""
    return loads


def by_loads_as_a_pickle() -> Receive:
    return lambda data: loads(b"\x02" + data)


def by_pipe() -> Receive:
    """A peer that sends bytes where objects are expected."""
    ours, theirs = interlock.Pipe(trust="registered")

    def receive(data: bytes) -> Any:
        theirs.send_bytes(data)
        return ours.recv()

    return receive


def by_trusting_pipe() -> Receive:
    """A peer that sends them as the pickle of an object."""
    ours, theirs = interlock.Pipe(trust="registered")

    def receive(data: bytes) -> Any:
        put_as_pickle(theirs, theirs.send, data)
        return ours.recv()

    return receive


def by_queue() -> Receive:
    """The same into a queue."""
    queue: Any = interlock.Queue(trust="registered")

    def receive(data: bytes) -> Any:
        put_as_pickle(queue, queue.put, data)
        return queue.get(timeout=BOUND_S)

    return receive


class Raw:
    """An object whose pickle is whatever its sender likes."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def put_as_pickle(handle: Any, put: Callable[[Raw], Any], data: bytes) -> None:
    """What the peer's process does."""
    with mock.patch.object(codec, "_pickle", lambda _, raw, *rest: raw.data):
        handle._set_terms(None, False)
        put(Raw(data))
    handle._set_terms(REGISTERED.bounds, False)


REGISTERED = Terms("registered")
WAYS = (by_loads, by_loads_as_a_pickle, by_pipe, by_trusting_pipe, by_queue)


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where canaries would be."""
    monkeypatch.chdir(tmp_path)
    with extensions():
        yield


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("theme", THEMES)
def test_no_payload_is_loaded_as_a_message(theme: str, way: Callable[[], Receive]) -> None:
    """P4: DecodeError for each, and nothing is reached or changed."""
    receive = way()
    with pytest.raises(DecodeError):
        receive(pickle.dumps("warm"))
    before = traces()
    for payload in THEMES[theme]():
        with pytest.raises(DecodeError):
            receive(payload.data)
    assert differences(before) == []


@pytest.mark.parametrize("kind", ["Queue", "Pipe"])
def test_what_comes_after_a_refused_message_is_received(kind: str) -> None:
    """P4: who receives decides; a trusting end would have run what this one refuses."""
    rings = by_stack(victims.MODULE, "ring") + b")R."
    for trust in ("registered", "process"):
        ours: Any
        theirs: Any
        put: Any
        get: Callable[[], Any]
        if kind == "Queue":
            ours = theirs = interlock.Queue(trust=trust)
            put, get = ours.put, partial(ours.get, timeout=BOUND_S)
        else:
            ours, theirs = interlock.Pipe(trust=trust)
            put, get = theirs.send, ours.recv
        before = traces()
        put_as_pickle(theirs, put, rings)
        if trust == "process":
            ours._set_terms(None, False)
            assert get() is None
            assert differences(before) == ["bell"]
            continue
        with pytest.raises(DecodeError):
            get()
        put({"after": 1})
        assert get() == {"after": 1}
        assert differences(before) == []
