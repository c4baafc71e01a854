"""Who the other side is, and what it may use.

Both sides prove by HMAC-SHA-256 that they have the same key, each over the nonces of both, the
first bytes of both (so that nobody on the way can make them agree on an older version), and a word
for its own role (so that a proof cannot be sent back as the other's).
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import os
import socket
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from multiprocessing import AuthenticationError
from typing import Any, Literal

from interlock.errors import (
    AccessDenied,
    ConnectionRefusedByServer,
    InsecureAddress,
    InterlockError,
)

__all__ = [
    "Address",
    "AuthenticationFailed",
    "Peer",
    "Permissions",
    "check_address",
    "check_permitted",
    "is_loopback",
    "peer_of",
    "proof",
    "proves",
]


class AuthenticationFailed(InterlockError, AuthenticationError):
    """The other side has another key, or none; nothing was told to it."""


Address = str | tuple[str, int]
"""The path of a Unix socket, or a host and a port."""

Permissions = Mapping[str, Mapping[str, Collection[str] | Literal["*"]]]
"""By the name of a peer: by the typeid or the name of an object, its methods, or ``"*"`` for all.
The name ``"*"`` is for all peers that are not named."""

_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


@dataclass(frozen=True)
class Peer:
    """The other side of a connection.

    Attributes:
        name: From its certificate; otherwise ``uid:N`` of a Unix socket's, or ``key`` for who
            has the key, and nothing more is known.
        by: How the name is known.
        where: For messages.
    """

    name: str
    by: Literal["certificate", "unix", "tcp"]
    where: str


def proof(
    key: bytes,
    role: Literal["client", "server"],
    beginnings: bytes,
    server_nonce: bytes,
    client_nonce: bytes,
) -> bytes:
    """What one side sends to show that it has the key.

    Args:
        key: Known to both sides.
        role: Which side it is.
        beginnings: The first bytes of both sides, of fixed length.
        server_nonce, client_nonce: 32 bytes each, of this connection.
    """
    told = b"interlock managers %s\0" % role.encode() + beginnings + server_nonce + client_nonce
    return hmac.new(key, told, hashlib.sha256).digest()


def proves(shown: bytes, expected: bytes) -> bool:
    """Whether they are equal, in a time that does not tell where they differ."""
    return hmac.compare_digest(shown, expected)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine, as far as its name or number tells."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)


def check_address(address: Address, *, tls: bool, insecure: bool) -> None:
    """Let pass what nobody on the way can read or change.

    Raises:
        InsecureAddress: Plain TCP to or from another machine, and not written out as insecure.
    """
    if isinstance(address, str) or tls or insecure or is_loopback(address[0]):
        return
    raise InsecureAddress(
        f"{address[0]}:{address[1]} is beyond this machine, and plain TCP can be read and changed "
        "by anybody on the way; nothing was sent. Give ssl= a context, or write insecure=True."
    )


def peer_of(sock: Any, certificate: Mapping[str, Any] | None, *, tls: bool, insecure: bool) -> Peer:
    """Who is at the other end of a connection that was accepted.

    Args:
        sock: The socket.
        certificate: As `ssl.SSLSocket.getpeercert` gives it.
        tls: Whether the connection is encrypted.
        insecure: Whether plain TCP is taken from anywhere.

    Raises:
        ConnectionRefusedByServer: It is another user, or on another machine without TLS.
    """
    if sock.family == socket.AF_UNIX:
        pid, uid, _ = _CREDENTIALS.unpack(
            sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        )
        if uid != os.geteuid():
            raise ConnectionRefusedByServer(
                f"Process {pid} of user {uid} is another user's than the server ({os.geteuid()})."
            )
        return Peer(f"uid:{uid}", "unix", f"process {pid}")
    host, port = sock.getpeername()[:2]
    where = f"{host}:{port}"
    if tls:
        return Peer(_name_in(certificate) or "key", "certificate", where)
    if not insecure and not is_loopback(host):
        raise ConnectionRefusedByServer(f"{where} is another machine, and it came without TLS.")
    return Peer("key", "tcp", where)


def _name_in(certificate: Mapping[str, Any] | None) -> str | None:
    """The common name of the subject, or the first of its other names."""
    for part in (certificate or {}).get("subject", ()):
        for key, value in part:
            if key == "commonName":
                return str(value)
    for _, value in (certificate or {}).get("subjectAltName", ()):
        return str(value)
    return None


def check_permitted(
    permissions: Permissions | None,
    peer: str,
    names: Collection[str],
    method: str,
    word: str = "",
) -> None:
    """Let pass what a peer may do.

    Args:
        permissions: None for all that is registered.
        peer: The name of who calls.
        names: The typeid of the object, and the name that it is served under.
        method: What is called.
        word: Another one for it.

    Raises:
        AccessDenied: It is not among what the peer may do.
    """
    if permissions is None:
        return
    allowed = permissions.get(peer, permissions.get("*", {}))
    for name in (*names, "*"):
        methods = allowed.get(name, ())
        if methods == "*" or method in methods or (word and word in methods):
            return
    raise AccessDenied(
        f"{peer!r:.100} may not call {word or method!r:.100} of {'/'.join(sorted(names))}; nothing "
        "was run. Name it in the server's permissions."
    )
