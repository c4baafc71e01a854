"""The bodies of frames: one typed struct a kind, as MessagePack, by msgspec.

A value (arguments, a result, an error) is bytes of `interlock.serialize` at
``trust="registered"``. Where it is small it stands in the body; otherwise it is the first of the
buffers that belong to it. A body that is too large for a frame, as many small values are, goes as
the first of the buffers of its message.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from interlock.errors import MissingDependency, WireError
from interlock.managers.wire.frames import BODY_MAX, Kind, Message

try:
    import msgspec
except ModuleNotFoundError as error:
    raise MissingDependency(
        "Objects on other machines need msgspec, which is not installed. "
        "Install it with `pip install 'interlock[net]'`."
    ) from error

__all__ = [
    "Answer",
    "Answers",
    "Bye",
    "Call",
    "Calls",
    "Cancel",
    "Challenge",
    "Hello",
    "Ping",
    "Pong",
    "Proof",
    "Proven",
    "Refused",
    "Welcome",
    "decode",
    "encode",
    "encoded_size",
]

INLINE_MAX = 16 * 1024
"""Bytes of a value up to which it stands in the body."""
METHOD_MAX = 200  # characters of a method's name
DONE_MAX = 256  # acknowledgements in one frame
CALLS_MAX = 500  # calls in one frame
PENDING_MAX = 4096  # calls that a client asks for when it comes back

Nonce = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
Identity = Annotated[bytes, msgspec.Meta(min_length=16, max_length=16)]
Number = Annotated[int, msgspec.Meta(ge=0, le=(1 << 63) - 1)]
Numbers = Annotated[list[Number], msgspec.Meta(max_length=PENDING_MAX)]
Text = Annotated[str, msgspec.Meta(max_length=2000)]
Seconds = Annotated[float, msgspec.Meta(gt=0, le=1e9)]


class Challenge(msgspec.Struct, tag=1, array_like=True, forbid_unknown_fields=True):
    """Server: who are you?"""

    nonce: Nonce
    key_wanted: bool


class Proof(msgspec.Struct, tag=2, array_like=True, forbid_unknown_fields=True):
    """Client: I have the key; do you?"""

    nonce: Nonce
    mac: Nonce


class Proven(msgspec.Struct, tag=3, array_like=True, forbid_unknown_fields=True):
    """Server: so have I."""

    mac: Nonce


class Hello(msgspec.Struct, tag=4, array_like=True, forbid_unknown_fields=True):
    """Client: a new session, or that one, in which these calls have no answer yet.

    `attempt` is higher each time: what was under way for long is known from what came after it.
    """

    session: Identity | None = None
    secret: Nonce | None = None
    pending: Numbers = []
    attempt: Number = 0


class Welcome(msgspec.Struct, tag=5, array_like=True, forbid_unknown_fields=True):
    """Server: your session, those of the calls that need not be sent again, and my limits."""

    server: Identity
    session: Identity
    secret: Nonce
    resumed: bool
    received: Numbers
    heartbeat_s: Seconds
    grace_s: Seconds
    calls: Number
    call_bytes: Number


class Refused(msgspec.Struct, tag=6, array_like=True, forbid_unknown_fields=True):
    """Server: no, and why; the connection ends."""

    reason: Text
    message: Text


class Call(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """A method of an object, with the arguments ``(args, kwargs)`` as a value."""

    target: Number
    method: Annotated[str, msgspec.Meta(max_length=METHOD_MAX)]
    data: Annotated[bytes, msgspec.Meta(max_length=INLINE_MAX)]
    buffers: Number = 0


class Calls(msgspec.Struct, tag=7, array_like=True, forbid_unknown_fields=True):
    """Client: run these one after another, behind those of the same lane; these answers I have."""

    lane: Number
    done: Annotated[list[Number], msgspec.Meta(max_length=DONE_MAX)]
    calls: Annotated[list[Call], msgspec.Meta(min_length=1, max_length=CALLS_MAX)]


class Answer(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """What came of a call: a value, or an error."""

    failed: bool
    data: Annotated[bytes, msgspec.Meta(max_length=INLINE_MAX)]
    buffers: Number = 0


class Answers(msgspec.Struct, tag=8, array_like=True, forbid_unknown_fields=True):
    """Server: what came of each of the calls of a frame, in order."""

    answers: Annotated[list[Answer], msgspec.Meta(min_length=1, max_length=CALLS_MAX)]


class Ping(msgspec.Struct, tag=10, array_like=True, forbid_unknown_fields=True):
    """Client: I am there, and have these answers."""

    done: Annotated[list[Number], msgspec.Meta(max_length=DONE_MAX)] = []


class Pong(msgspec.Struct, tag=11, array_like=True, forbid_unknown_fields=True):
    """Server: so am I."""


class Cancel(msgspec.Struct, tag=12, array_like=True, forbid_unknown_fields=True):
    """Client: nobody waits for that call any more."""


class Bye(msgspec.Struct, tag=13, array_like=True, forbid_unknown_fields=True):
    """Either: I end the session; nothing is to be kept for me."""

    message: Text = ""


Body = TypeVar("Body", bound=msgspec.Struct)
Encoded = tuple[Kind, bytes, list[memoryview]]

_STRUCTS: dict[type[msgspec.Struct], Kind] = {
    Challenge: Kind.CHALLENGE,
    Proof: Kind.PROOF,
    Proven: Kind.PROVEN,
    Hello: Kind.HELLO,
    Welcome: Kind.WELCOME,
    Refused: Kind.REFUSED,
    Calls: Kind.CALLS,
    Answers: Kind.ANSWERS,
    Ping: Kind.PING,
    Pong: Kind.PONG,
    Cancel: Kind.CANCEL,
    Bye: Kind.BYE,
}
_encoder = msgspec.msgpack.Encoder()
_decoders: dict[type[msgspec.Struct], msgspec.msgpack.Decoder[Any]] = {
    struct: msgspec.msgpack.Decoder(struct) for struct in _STRUCTS
}


def encode(body: msgspec.Struct, buffers: Sequence[memoryview] = ()) -> Encoded:
    """A body as what `frames.pieces` takes: the kind, the bytes of the body, and the buffers."""
    data = _encoder.encode(body)
    if len(data) > BODY_MAX:
        return _STRUCTS[type(body)], b"", [memoryview(data), *buffers]
    return _STRUCTS[type(body)], data, list(buffers)


def encoded_size(encoded: Encoded) -> int:
    """Bytes of the body and all buffers."""
    _, body, buffers = encoded
    return len(body) + sum(buffer.nbytes for buffer in buffers)


def decode(message: Message, *expected: type[Body]) -> Body:
    """The body of a message; the buffers that are left in it belong to values.

    Args:
        message: As the reader gave it.
        expected: What may come at this place.

    Raises:
        WireError: It is of another kind, or its bytes are not that struct.
    """
    for struct in expected:
        if _STRUCTS[struct] is message.kind:
            break
    else:
        wanted = " or ".join(_STRUCTS[each].name for each in expected)
        raise WireError(
            f"A {message.kind.name} came where {wanted} belongs; the connection was cut."
        )
    data: bytes | memoryview = message.body
    if not data and message.buffers:
        data = message.buffers.pop(0)
    try:
        made: Body = _decoders[struct].decode(data)
    except (msgspec.DecodeError, RecursionError) as error:
        raise WireError(
            f"The body of a {message.kind.name} is damaged ({error}); the connection was cut."
        ) from error
    return made
