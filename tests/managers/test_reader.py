"""The reader of frames: any split of the bytes gives the same messages; garbage gives WireError."""

from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interlock.errors import WireError
from interlock.managers.wire.frames import (
    BODY_MAX,
    CHUNK_MAX,
    HEADER,
    STRANGER,
    Kind,
    Message,
    WireLimits,
    pieces,
)
from interlock.managers.wire.reader import Reader

Plain = tuple[int, int, bytes, list[bytes]]

LIMITS = WireLimits(buffer_bytes=4 * 1024 * 1024)
KINDS = [kind for kind in Kind if kind not in (Kind.PREAMBLE, Kind.CHUNK)]


def plain(message: Message) -> Plain:
    return (message.kind, message.call, message.body, [bytes(each) for each in message.buffers])


@st.composite
def conversations(draw: st.DrawFn) -> tuple[bytes, list[Plain]]:
    """Messages as one side sends them, the parts of large ones among others."""
    waiting = []
    sent: list[bytes] = []
    whole: list[Plain] = []
    for call in range(draw(st.integers(1, 6))):
        kind = draw(st.sampled_from(KINDS))
        body = draw(st.binary(max_size=200)) * draw(st.sampled_from([1, 1, 40]))
        sizes: list[int] = []
        if kind in (Kind.CALLS, Kind.ANSWERS):
            sizes = draw(st.lists(st.sampled_from([1, 5000, CHUNK_MAX + 1]), max_size=2))
        buffers = [bytes([call + index]) * size for index, size in enumerate(sizes)]
        views = [memoryview(buffer) for buffer in buffers]
        waiting.append((pieces(kind, call, body, views), (int(kind), call, body, buffers)))
    while waiting:
        index = draw(st.integers(0, len(waiting) - 1))
        written, expected = waiting[index]
        piece = next(written, None)
        if piece is None:
            whole.append(expected)
            waiting.pop(index)
        else:
            sent += [bytes(part) for part in piece]
            if sum(map(len, expected[3])) == 0:
                whole.append(expected)
                waiting.pop(index)
    return b"".join(sent), whole


@settings(deadline=None, derandomize=True)
@given(conversations(), st.data())
def test_any_split_of_the_bytes_gives_the_same_messages(
    conversation: tuple[bytes, list[Plain]], data: st.DataObject
) -> None:
    """Cut anywhere, also within headers and buffers."""
    sent, expected = conversation
    cuts = data.draw(st.lists(st.integers(0, len(sent)), max_size=12))
    at, reader, got = 0, Reader(LIMITS), []
    for cut in [*sorted(cuts), len(sent)]:
        got += [plain(message) for message in reader.feed(sent[at:cut])]
        at = cut
    assert sorted(got) == sorted(expected)
    assert not reader.is_amid_frame
    assert reader.offset == len(sent)


def test_single_bytes_give_the_same_messages() -> None:
    """The slowest of all writers."""
    sent = b"".join(
        bytes(part)
        for piece in pieces(Kind.CALLS, 7, b"body", [memoryview(b"x" * 5000)])
        for part in piece
    )
    reader = Reader(LIMITS)
    got = [message for byte in sent for message in reader.feed(bytes([byte]))]
    assert [plain(message) for message in got] == [(Kind.CALLS, 7, b"body", [b"x" * 5000])]


def test_who_receives_may_keep_the_room_for_a_while() -> None:
    """As uvloop does: it has the buffer's memory until it was told what came of it."""
    sent = b"".join(
        bytes(part)
        for piece in pieces(Kind.CALLS, 1, b"b" * 9000, [memoryview(b"x" * 200_000)])
        for part in piece
    )
    reader, at = Reader(LIMITS), 0
    kept, got = [], []
    while at < len(sent):
        room = reader.room()
        kept.append(memoryview(room))
        count = min(room.nbytes, len(sent) - at, 3000)
        room[:count] = sent[at : at + count]
        at += count
        got += reader.filled(count)
    assert [plain(message)[2:] for message in got] == [(b"b" * 9000, [b"x" * 200_000])]


@settings(deadline=None, derandomize=True)
@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=4))
def test_any_bytes_give_messages_or_wire_errors(garbage: bytes, cuts: list[int]) -> None:
    """Nothing else is raised, at any split; after an error there is nothing but errors."""
    reader, at = Reader(LIMITS), 0
    try:
        for cut in [*sorted(cut for cut in cuts if cut < len(garbage)), len(garbage)]:
            reader.feed(garbage[at:cut])
            at = cut
    except WireError as error:
        assert error.offset is not None
        assert error.offset <= len(garbage)
        with pytest.raises(WireError):
            reader.room()


@settings(deadline=None, derandomize=True)
@given(conversations(), st.data())
def test_a_changed_byte_gives_messages_or_a_wire_error(
    conversation: tuple[bytes, list[Plain]], data: st.DataObject
) -> None:
    """Valid but for one byte, which is where most readers are wrong."""
    sent = bytearray(conversation[0])
    at = data.draw(st.integers(0, len(sent) - 1))
    sent[at] ^= data.draw(st.integers(1, 255))
    reader = Reader(LIMITS)
    try:
        reader.feed(sent)
    except WireError as error:
        assert "was cut" in str(error)


def head(kind: int, buffers: int, length: int, *, call: int = 1, flags: int = 0) -> bytes:
    return HEADER.pack(kind, flags, buffers, length, call)


def announce(size: int, call: int = 1) -> bytes:
    return head(Kind.CALLS, 1, 0, call=call) + size.to_bytes(8, "little")


REFUSED = {
    "a kind that does not exist": head(99, 0, 0),
    "a preamble behind the first": head(Kind.PREAMBLE, 0, 0),
    "flags": head(Kind.PING, 0, 0, flags=1),
    "a giant body": head(Kind.CALLS, 0, (1 << 32) - 1),
    "a body of one byte too much": head(Kind.CALLS, 0, BODY_MAX + 1),
    "many buffers": head(Kind.CALLS, 65535, 0),
    "buffers where none belong": head(Kind.PING, 1, 0),
    "a giant buffer": announce((1 << 64) - 1),
    "an empty buffer": announce(0),
    "buffers that are too large together": announce(LIMITS.buffer_bytes) + announce(1, call=2),
    "a call twice": announce(10) + announce(10),
    "a part of nothing": head(Kind.CHUNK, 0, 5),
    "a part that is too long": announce(4) + head(Kind.CHUNK, 0, 5),
    "an empty part": announce(4) + head(Kind.CHUNK, 0, 0),
    "a part of the next buffer": announce(4) + head(Kind.CHUNK, 1, 4),
    "a giant part": announce(CHUNK_MAX * 2) + head(Kind.CHUNK, 0, CHUNK_MAX + 1),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_out_of_order_is_refused_at_its_head(name: str) -> None:
    """Before the bytes that it speaks of have come."""
    with pytest.raises(WireError, match="the connection was cut"):
        Reader(LIMITS).feed(REFUSED[name])


def test_messages_before_the_damage_are_delivered() -> None:
    """However the bytes are cut: what was whole was received."""
    reader = Reader(LIMITS)
    messages = reader.feed(head(Kind.PING, 0, 2, call=3) + b"ok" + head(99, 0, 0))
    assert [message.body for message in messages] == [b"ok"]
    with pytest.raises(WireError, match="kind 99"):
        reader.room()


def test_a_stranger_may_send_little() -> None:
    """Nobody has buffers, or long bodies, before it has proven who it is."""
    for sent in (announce(10), head(Kind.HELLO, 0, STRANGER.body + 1)):
        with pytest.raises(WireError):
            Reader(STRANGER).feed(sent)


def test_memory_is_taken_for_what_has_arrived() -> None:
    """64 announcements of 4 MiB in all, and a byte of each buffer: far less than that is taken."""
    size = LIMITS.buffer_bytes // 64
    tracemalloc.start()
    try:
        reader = Reader(LIMITS)
        before, _ = tracemalloc.get_traced_memory()
        for call in range(64):
            reader.feed(announce(size, call))
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert reader.bytes_under_way == LIMITS.buffer_bytes
    assert after - before < LIMITS.buffer_bytes // 20
