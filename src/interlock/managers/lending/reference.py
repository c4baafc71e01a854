"""How a referent is named, packed with its descriptors, and lent by the process that keeps it.

A `Reference` says which server keeps a referent and under which name. The server lends it to any
process of its user: over a socket of its own with an abstract name, so that no file is left, a
request (one byte and a name) is answered with the bytes of the object and its descriptors
(SCM_RIGHTS, unix(7)). Who asks on another machine finds nobody there.

| request | answer |
|---|---|
| LEND, name | the object's bytes, with a hold and its descriptors; or NOBODY |
| SEARCH, name | nothing; from now on the container is searched for references |
| PARK, queue and name | YES; the queue has a message with a reference, and keeps it |
| TAKE, queue and name | nothing; the message was received, and its reference is a hold |
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from interlock._handover import opened, side_by_side
from interlock.serialize import dumps, loads

__all__ = [
    "LEND", "NOBODY", "PARK", "PATIENCE_S", "SEARCH", "TAKE", "YES", "Packed", "Reference",
    "answer", "ask", "pack_object", "unpack_object",
]  # fmt: skip

PATIENCE_S = 10.0  # how long the other side may take
LEND, SEARCH, PARK, TAKE = b"L", b"S", b"P", b"T"
YES, NOBODY = b"+", b"-"
ANSWER_MAX = 1 << 16
DESCRIPTORS_MAX = 16
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid


class Reference(NamedTuple):
    """A referent, as any process may name it.

    Attributes:
        typeid: What it is, as its manager registered it.
        address: The manager's server.
        serializer: How that is spoken to.
        lender: The abstract name of the socket where it is lent.
        name: The referent there.
    """

    typeid: str
    address: Any
    serializer: str
    lender: str
    name: str


Packed = tuple[bytes, list[int]]  # an object's bytes, and the descriptors that it refers to


def pack_object(what: Any) -> Packed:
    """An object of ours as bytes, and the descriptors that belong to it; still its own."""
    with side_by_side() as descriptors:
        data = dumps(what, trust="process")
    return data, descriptors


def unpack_object(data: bytes, descriptors: Sequence[int]) -> Any:
    """The object again; the descriptors are closed."""
    with opened(descriptors):
        return loads(data, trust="process")


def ask(lender: str, request: bytes) -> Packed | None:
    """Ask a lender; None if nobody is there, or another user.

    Raises:
        TimeoutError: It does not answer.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
            line.settimeout(PATIENCE_S)
            line.connect("\0" + lender)
            line.send(request)
            data, descriptors, _, _ = socket.recv_fds(line, ANSWER_MAX, DESCRIPTORS_MAX)
    except TimeoutError:
        raise
    except OSError:
        return None
    for fd in descriptors:
        os.set_inheritable(fd, False)
    return (data, list(descriptors)) if data else None


def answer(line: socket.socket, reply: Callable[[bytes, str], Packed]) -> None:
    """Answer one that asks, if it is of this user."""
    with line:
        line.settimeout(PATIENCE_S)
        peer = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(peer)[1] != os.geteuid():
            return
        request = line.recv(ANSWER_MAX)
        if not request:
            return
        data, descriptors = reply(request[:1], request[1:].decode())
        try:
            socket.send_fds(line, [data], descriptors)
        finally:
            for fd in descriptors:
                os.close(fd)
