"""What the processes of a campaign write down, so that their deaths can be judged afterwards.

Each process has a file of its own, to which it appends a record of 16 bytes by one write(2): the
record is there whole or not at all, and the kernel keeps it when the process is killed.
Whoever puts writes after the put returned. Whoever takes writes after it has read the
message; under a lease, before it is acknowledged. So a record says: this was done.
"""

from __future__ import annotations

import enum
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

RECORD = struct.Struct("<IIHHI")


class Act(enum.IntEnum):
    """What was done with a message."""

    PUT = 1
    LEASED = 2
    GOT = 3


class Entry(NamedTuple):
    """One record: a message is a writer and a number; the attempt is a lease's."""

    writer: int
    number: int
    act: Act
    attempt: int
    thread: int


class Ledger:
    """A process's own; its threads write into it at once."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def write(self, entry: Entry) -> None:
        """Append it."""
        os.write(self._fd, RECORD.pack(*entry))

    def close(self) -> None:
        """No more."""
        os.close(self._fd)


def entries(path: Path) -> Iterator[Entry]:
    """All records of a file, in their order."""
    for writer, number, act, attempt, thread in RECORD.iter_unpack(path.read_bytes()):
        yield Entry(writer, number, Act(act), attempt, thread)
