"""How a connection begins, on both sides, without I/O.

Each side is a generator: it yields bytes to be sent (or none), and is sent the next message. Its
result is that of the handshake. Who drives it bounds its time.

    client                                     server
    versions                                   versions, the chosen one
                                               CHALLENGE nonce
    PROOF nonce, mac      (if a key is wanted)
                                               PROVEN mac
    HELLO session, calls without answer
                                               WELCOME session, limits
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Generator
from typing import NoReturn

from interlock.errors import (
    ConnectionRefusedByServer,
    InterlockError,
    LimitReached,
    ServerGone,
)
from interlock.managers.auth import AuthenticationFailed, proof, proves
from interlock.managers.wire import version
from interlock.managers.wire.bodies import (
    Challenge,
    Hello,
    Proof,
    Proven,
    Refused,
    Welcome,
    decode,
    encode,
)
from interlock.managers.wire.frames import Message, pieces

__all__ = ["as_bytes", "client_side", "refusal_of", "server_side"]

Steps = Generator[bytes, Message, Welcome]

_REASONS: dict[str, type[InterlockError]] = {
    "authentication": AuthenticationFailed,
    "session": ServerGone,
    "limit": LimitReached,
}


def as_bytes(body: Challenge | Hello | Proof | Proven | Refused | Welcome) -> bytes:
    """A small body as a frame."""
    return b"".join(part for piece in pieces(encode(body)[0], 0, encode(body)[1]) for part in piece)


def client_side(key: bytes | None, hello: Hello) -> Steps:
    """The client's half.

    Raises:
        ConnectionRefusedByServer, LimitReached, ServerGone: The server refused.
        AuthenticationFailed: One of the two has not the key of the other.
        WireError: The other side is no server of ours.
    """
    offered = version.offer()
    replied = (yield offered).body
    version.chosen(replied)
    beginnings = offered + replied
    challenge = _expected((yield b""), Challenge)
    assert isinstance(challenge, Challenge)
    if challenge.key_wanted:
        if key is None:
            raise AuthenticationFailed("The server wants a key, and none was given: authkey=.")
        nonce = secrets.token_bytes(32)
        mac = proof(key, "client", beginnings, challenge.nonce, nonce)
        proven = _expected((yield as_bytes(Proof(nonce, mac))), Proven)
        assert isinstance(proven, Proven)
        if not proves(proven.mac, proof(key, "server", beginnings, challenge.nonce, nonce)):
            raise AuthenticationFailed(
                "The server has another key than this program; nothing was told to it."
            )
    elif key is not None:
        raise AuthenticationFailed(
            "The server wants no key, so it cannot show that it has ours; nothing was told to it. "
            "Give both sides the same authkey=, or neither."
        )
    welcome = _expected((yield as_bytes(hello)), Welcome)
    assert isinstance(welcome, Welcome)
    return welcome


def server_side(key: bytes | None, greet: Callable[[Hello], Welcome]) -> Steps:
    """The server's half; the last that it yields is to be sent before its result is used.

    Args:
        key: None where something else has told who it is.
        greet: Finds or makes the session.

    Raises:
        AuthenticationFailed: The client has another key.
        ConnectionRefusedByServer: There is no version in common.
        WireError: The other side is no client of ours.
        Exception: What `greet` raised.
    """
    offered = (yield b"").body
    common = version.choose(offered)
    replied = version.reply(common)
    if not common:
        yield replied
        raise ConnectionRefusedByServer(f"A client that speaks other versions: {offered!r}.")
    nonce = secrets.token_bytes(32)
    message = yield replied + as_bytes(Challenge(nonce, key is not None))
    if key is not None:
        shown = decode(message, Proof)
        beginnings = offered + replied
        if not proves(shown.mac, proof(key, "client", beginnings, nonce, shown.nonce)):
            raise AuthenticationFailed("The client has another key than the server.")
        mac = proof(key, "server", beginnings, nonce, shown.nonce)
        message = yield as_bytes(Proven(mac))
    return greet(decode(message, Hello))


def refusal_of(error: Exception) -> Refused:
    """What to tell the other side of an error in the handshake."""
    reason = next((word for word, cls in _REASONS.items() if isinstance(error, cls)), "other")
    return Refused(reason, str(error)[:2000])


def _expected(message: Message, struct: type[Challenge | Proven | Welcome]) -> object:
    body = decode(message, struct, Refused)
    if isinstance(body, Refused):
        _refused(body)
    return body


def _refused(refused: Refused) -> NoReturn:
    raise _REASONS.get(refused.reason, ConnectionRefusedByServer)(refused.message)
