"""What is fuzzed: readers of bytes that somebody else wrote, one small function each.

A function takes an input and says in a few words what came of it. Whatever it raises is a
finding; so are a crash, a hang, and a word of a sanitizer.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from interlock import _native
from interlock.errors import ConnectionRefusedByServer, DecodeError, ForbiddenGlobal, WireError
from interlock.managers.wire import bodies, version
from interlock.managers.wire.bodies import (
    Answer,
    Answers,
    Bye,
    Call,
    Calls,
    Cancel,
    Challenge,
    Hello,
    Ping,
    Pong,
    Proof,
    Proven,
    Refused,
    Welcome,
)
from interlock.managers.wire.frames import Kind, WireLimits, pieces
from interlock.managers.wire.reader import Reader
from interlock.serialize import explain_pickle, load_pickle
from tests.fuzz import segment
from tests.fuzz.mutation import ANY_LENGTH, SAME_LENGTH, Step
from tests.hostile.corpus.bombs import payloads as bombs
from tests.hostile.corpus.themes import ORDINARY, THEMES
from tests.hostile.victims import GENEROUS, differences, traces
from tests.serialize import hostile
from tests.serialize.strangers.messages import BOUNDS, LIMITS, messages

BOMB_MAX = 2000


@dataclass(frozen=True)
class Target:
    """Something that reads bytes.

    Attributes:
        seeds: Makes the inputs to begin with.
        read: Reads an input, and says what came of it.
        steps: How an input may be damaged.
    """

    seeds: Callable[[], list[bytes]]
    read: Callable[[bytes], str]
    steps: Sequence[Step] = ANY_LENGTH


def refusal(error: DecodeError, data: bytes) -> str:
    """What a refused input came to: the reason, which must come with its byte."""
    assert error.offset is not None, f"no offset: {error}"
    assert 0 <= error.offset <= len(data), f"offset {error.offset} of {len(data)}: {error}"
    return f"{type(error).__name__}: {str(error).replace(error.path or '$', '')}"


def decode_trusted(data: bytes) -> str:
    """Plain values of a process that is trusted, without limits."""
    try:
        made = _native.decode(data)
    except DecodeError as error:
        return refusal(error, data)
    _native.encode(made)  # what was made is whole: all of it can be read
    return f"made {type(made).__name__}"


def decode_limited(data: bytes) -> str:
    """Registered types of a stranger, within limits."""
    try:
        made = _native.decode(data, BOUNDS)
    except DecodeError as error:
        assert error.path is not None, f"no path: {error}"
        assert error.path.startswith("$"), f"path {error.path}"
        return refusal(error, data)
    _native.encode(made)
    return f"made {type(made).__name__}"


def pickle_loaded(data: bytes) -> str:
    """A pickle of a stranger, with ordinary names allowed; nothing outside may change."""
    before = traces()
    try:
        came = f"made {type(load_pickle(data, allow=GENEROUS, limits=LIMITS)).__name__}"
    except DecodeError as error:
        came = refusal(error, data)
    changed = [name for name in differences(before) if name != "modules"]
    assert changed == [], f"changed: {changed}"
    return came


def pickle_explained(data: bytes) -> str:
    """A report on any bytes; where it says plain data, the reader misses no name."""
    report = explain_pickle(data, limits=LIMITS)
    json.dumps(report.as_dict())
    if report.verdict == "plain data":
        try:
            load_pickle(data, limits=LIMITS)
        except ForbiddenGlobal as error:
            raise AssertionError(f"plain data with a name in it: {error}") from error
        except DecodeError as error:
            return f"{report.verdict}, refused: {refusal(error, data)}"
    return f"{report.verdict} {report.damage and report.damage.reason}"


def manager_frames(data: bytes) -> str:
    """What comes over a connection to an object server, in two pieces, and its bodies."""
    first = version.CLIENT.size
    return frames_read(data, first, version.choose, (Proof, Hello, Calls, Ping, Cancel, Bye))


def manager_answers(data: bytes) -> str:
    """What comes to a client of one."""
    first, shown = version.SERVER.size, (Challenge, Proven, Welcome, Refused, Answers, Pong, Bye)
    return frames_read(data, first, version.chosen, shown)


def frames_read(
    data: bytes, first: int, choose: Callable[[bytes], int], known: tuple[Any, ...]
) -> str:
    """By either side; `first` bytes of versions, and then frames."""
    reader = Reader(WireLimits(buffer_bytes=1 << 20), preamble=first)
    kinds = []
    try:
        for piece in (data[: len(data) // 2], data[len(data) // 2 :]):
            for message in reader.feed(piece):
                kinds.append(message.kind.name)
                if message.kind is Kind.PREAMBLE:
                    choose(message.body)
                else:
                    bodies.decode(message, *known)
    except ConnectionRefusedByServer:
        return "another version"
    except WireError as error:
        assert error.offset is None or error.offset <= len(data), f"offset {error.offset}"
        return f"{kinds[:4]}, refused: {str(error).partition('(')[0]:.60}"
    return f"{kinds[:4]}"


def manager_sessions() -> list[bytes]:
    """What honest clients send."""
    large = [memoryview(b"x" * 5000)]
    return [version.offer(), version.offer() + framed(
        (Proof(b"n" * 32, b"m" * 32), []),
        (Hello(b"s" * 16, b"k" * 32, [1, 2]), []),
        (Calls(1, [1], [Call(0, "find", b"\x01x"), Call(3, "get", b"\x01y", 1)]), large),
        (Ping([4]), []),
        (Cancel(), []),
        (Bye("done"), []),
    )]  # fmt: skip


def manager_replies() -> list[bytes]:
    """What honest servers send."""
    large = [memoryview(b"x" * 5000)]
    welcome = Welcome(b"s" * 16, b"i" * 16, b"k" * 32, True, [2, 3], 5.0, 30.0, 1024, 1 << 28)
    return [version.reply(0), version.reply(1) + framed(
        (Challenge(b"n" * 32, True), []),
        (Proven(b"m" * 32), []),
        (welcome, []),
        (Answers([Answer(False, b"\x01x"), Answer(True, b"\x01y", 1)]), large),
        (Pong(), []),
        (Refused("limit", "too many"), []),
        (Bye("done"), []),
    )]  # fmt: skip


def framed(*sent: tuple[Any, list[memoryview]]) -> bytes:
    """Bodies with their buffers, as bytes."""
    made = b""
    for body, buffers in sent:
        kind, encoded, beside = bodies.encode(body, buffers)
        made += b"".join(part for piece in pieces(kind, 5, encoded, beside) for part in piece)
    return made


def pickles() -> list[bytes]:
    """Ordinary and hostile ones."""
    hostile_ones = [payload.data for make in THEMES.values() for payload in make()]
    small = [bomb.data for bomb in bombs() if len(bomb.data) <= BOMB_MAX]
    return [*ORDINARY, *hostile_ones, *small]


TARGETS = {
    "decode_trusted": Target(lambda: list(hostile.samples()), decode_trusted),
    "decode_limited": Target(lambda: [*hostile.samples(), *messages()], decode_limited),
    "queue_segment": Target(lambda: [segment.image()], segment.read, SAME_LENGTH),
    "load_pickle": Target(pickles, pickle_loaded),
    "manager_frames": Target(manager_sessions, manager_frames),
    "manager_answers": Target(manager_replies, manager_answers),
    "explain_pickle": Target(pickles, pickle_explained),
}
