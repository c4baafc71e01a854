"""The first bytes of a connection: which versions of the protocol each side speaks."""

from __future__ import annotations

import struct

from interlock.errors import ConnectionRefusedByServer, WireError

__all__ = ["CLIENT", "NEWEST", "OLDEST", "SERVER", "choose", "chosen", "offer", "reply"]

MAGIC = b"iLk\x0d"
_OF_MULTIPROCESSING = b"#CHALL"  # behind a length
OLDEST, NEWEST = 1, 1
CLIENT = struct.Struct("<4sHH")  # magic, oldest, newest
SERVER = struct.Struct("<4sHHH")  # magic, oldest, newest, the chosen one or 0


def offer(oldest: int = OLDEST, newest: int = NEWEST) -> bytes:
    """What a client sends first."""
    return CLIENT.pack(MAGIC, oldest, newest)


def choose(offered: bytes, oldest: int = OLDEST, newest: int = NEWEST) -> int:
    """The newest version that both sides speak; 0 if there is none.

    Raises:
        WireError: The other side is no client of ours.
    """
    magic, first, last = CLIENT.unpack(offered)
    if magic != MAGIC or first > last:
        raise WireError(f"A connection began with {offered!r}, as no client of Interlock begins.")
    common = min(newest, last)
    return common if common >= max(oldest, first) else 0


def reply(version: int, oldest: int = OLDEST, newest: int = NEWEST) -> bytes:
    """What a server sends first: the version that was chosen, or 0, and those that it speaks."""
    return SERVER.pack(MAGIC, oldest, newest, version)


def chosen(replied: bytes, oldest: int = OLDEST, newest: int = NEWEST) -> int:
    """The version that the server has chosen.

    Raises:
        ConnectionRefusedByServer: There is none in common.
        WireError: The other side is no server of ours, or has chosen what was not offered.
    """
    magic, first, last, version = SERVER.unpack(replied)
    if replied.startswith(_OF_MULTIPROCESSING, 4):
        raise WireError(
            "The server is one of multiprocessing, whose bytes are pickles: anybody in its place "
            "could run code here. Nothing was told to it. Let the server use interlock.managers."
        )
    if magic != MAGIC:
        raise WireError(f"The other side answered {replied!r}, as no server of Interlock does.")
    if version == 0:
        raise ConnectionRefusedByServer(
            f"The server speaks versions {first} to {last} of the protocol of managers, and this "
            f"program {oldest} to {newest}, so there is none in common. Update the older one."
        )
    if not oldest <= version <= newest:
        raise WireError(f"The server chose version {version}, which was not offered.")
    return int(version)
