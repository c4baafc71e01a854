"""How the descriptors of a queue or pipe end reach another process.

A child that is being started inherits them, by the standard library's own way
(`DupFd`). Everywhere else, inside a message, they travel as a `Ticket`: the
address of a socket of the process that sends them, and a number. Who receives the
message hands the ticket in and gets the descriptors (SCM_RIGHTS, unix(7)).

Whoever carries descriptors beside a message himself, over a socket of his own or in one ticket for
many, says so: within `side_by_side` they are only listed, and `opened` gives them to the reader.

The socket has an abstract name, so no file is left behind, and gives only to
processes of the same user (SO_PEERCRED). It is served by one thread, which lives
while there are tickets. The sender keeps copies of what a ticket stands for until
it is handed in; `SenderGone` tells who comes after the sender's end.

Why not `multiprocessing.resource_sharer`: it gives only to processes that know
the sender's authkey, its own family.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing import context
from typing import Any, Protocol

from interlock.errors import SenderGone

__all__ = ["Passage", "Ticket", "noted", "opened", "pack", "revoke", "side_by_side"]

PATIENCE_S = 10.0  # how long the other side of a handover may take
KEY_BYTES = 16
_CREDENTIALS = struct.Struct("3i")  # pid, uid, gid
_GIVEN = "_interlock_given"  # in the child that is being started: its descriptors so far


class Passage(Protocol):
    """Descriptors under way."""

    def redeem(self) -> list[int]:
        """The descriptors, now this process's own."""


def pack(descriptors: Sequence[int]) -> Passage:
    """Make descriptors ready to travel inside a pickle.

    Args:
        descriptors: Open in this process, and still its own afterwards.

    Returns:
        What to put in the pickle.
    """
    if _noting.beside is not None:
        first = len(_noting.beside)
        _noting.beside.extend(descriptors)
        return _Beside(first, len(descriptors))
    if context.get_spawning_popen() is not None:
        return _Inherited(descriptors)
    return _office.issue(descriptors)


class _Noting(threading.local):
    keys: list[bytes] | None = None
    beside: list[int] | None = None
    arrived: Sequence[int] = ()


_noting = _Noting()


@contextlib.contextmanager
def side_by_side() -> Iterator[list[int]]:
    """The descriptors that this thread packs meanwhile: the caller carries them himself."""
    descriptors: list[int] = []
    before, _noting.beside = _noting.beside, descriptors
    try:
        yield descriptors
    finally:
        _noting.beside = before


@contextlib.contextmanager
def opened(descriptors: Sequence[int]) -> Iterator[None]:
    """What was packed `side_by_side`, while this thread reads the message; closed at the end."""
    before, _noting.arrived = _noting.arrived, descriptors
    try:
        yield
    finally:
        _noting.arrived = before
        for fd in descriptors:
            os.close(fd)


@dataclass(frozen=True)
class _Beside:
    """Some of the descriptors that were carried beside the message."""

    first: int
    count: int

    def redeem(self) -> list[int]:
        """The descriptors, now this process's own."""
        return [os.dup(fd) for fd in _noting.arrived[self.first : self.first + self.count]]


class noted:  # each task of a pool is encoded in one: no generator
    """The keys of the tickets that this thread issues meanwhile, to `revoke` them if need be."""

    def __enter__(self) -> list[bytes]:
        keys: list[bytes] = []
        self._before, _noting.keys = _noting.keys, keys
        return keys

    def __exit__(self, *error: object) -> None:
        _noting.keys = self._before


def revoke(keys: Iterable[bytes]) -> None:
    """Take tickets back whose message nobody will read; those that were handed in are none."""
    for key in keys:
        for fd in _office.take(key) or ():
            os.close(fd)


class _Inherited:
    """Descriptors that a child has from its start."""

    def __init__(self, descriptors: Sequence[int]) -> None:
        # Two ends of a pipe have descriptors in common, and spawn refuses to pass one twice.
        known: dict[int, _Given] = vars(context.get_spawning_popen()).setdefault(_GIVEN, {})
        self._given: list[Any] = [known.setdefault(fd, _Given(fd)) for fd in descriptors]

    def redeem(self) -> list[int]:
        """The descriptors, now this process's own."""
        return [received.copy() for received in self._given]


class _Given:
    """A descriptor for a child that is being started; the pickler sends it once."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __reduce__(self) -> tuple[type[_Received], tuple[Any]]:
        from multiprocessing import reduction

        return _Received, (reduction.DupFd(self._fd),)


class _Received:
    """The same in the child, for as long as it takes to unpickle all that share it."""

    def __init__(self, inherited: Any) -> None:
        self._fd: int = inherited.detach()

    def copy(self) -> int:
        """A descriptor of the caller's own."""
        return os.dup(self._fd)

    def __del__(self) -> None:
        os.close(self._fd)


@dataclass(frozen=True)
class Ticket:
    """A claim on descriptors that another process keeps.

    Attributes:
        address: The abstract name of that process's socket.
        key: Which descriptors.
        count: How many.
        pid: That process.
    """

    address: bytes
    key: bytes
    count: int
    pid: int

    def redeem(self) -> list[int]:
        """The descriptors, now this process's own.

        Raises:
            SenderGone: The process that keeps them has ended, or has given them away
                already (a message that is delivered twice).
        """
        if self.pid == os.getpid():
            kept = _office.take(self.key)
            if kept is not None:
                return kept
            raise self._gone("has given it away already")
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as line:
                line.settimeout(PATIENCE_S)
                line.connect(self.address)
                line.send(self.key)
                _, descriptors, _, _ = socket.recv_fds(line, 1, self.count)
        except OSError as error:
            raise self._gone("has ended") from error
        if len(descriptors) != self.count:
            for fd in descriptors:
                os.close(fd)
            raise self._gone("has given it away already")
        for fd in descriptors:
            os.set_inheritable(fd, False)
        return list(descriptors)

    def _gone(self, how: str) -> SenderGone:
        return SenderGone(
            f"Process {self.pid}, which sent a queue or a pipe end in a message, {how}; it cannot "
            "be opened here. Keep the sender running until the message is received, or pass "
            "the object to Process() as an argument.",
            self.pid,
        )


class _Office:
    """Keeps what tickets stand for, and gives it out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[bytes, list[int]] = {}
        self._socket: socket.socket | None = None
        self._address = b""

    def issue(self, descriptors: Sequence[int]) -> Ticket:
        """A ticket for copies of these descriptors."""
        key = secrets.token_bytes(KEY_BYTES)
        copies = [os.dup(fd) for fd in descriptors]
        with self._lock:
            self._open()
            self._kept[key] = copies
        if _noting.keys is not None:
            _noting.keys.append(key)
        return Ticket(self._address, key, len(copies), os.getpid())

    def take(self, key: bytes) -> list[int] | None:
        """What a ticket stands for, once."""
        with self._lock:
            copies = self._kept.pop(key, None)
            if not self._kept and self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)  # its thread's accept() ends
                self._socket = None
        return copies

    def forget(self) -> None:
        """In a forked child: the tickets are the parent's."""
        for copies in self._kept.values():
            for fd in copies:
                os.close(fd)
        if self._socket is not None:
            self._socket.close()
        self.__init__()  # type: ignore[misc]

    def _open(self) -> None:
        if self._socket is not None:
            return
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._address = b"\0interlock-%d-%s" % (os.getpid(), secrets.token_hex(8).encode())
        line.bind(self._address)
        line.listen(128)
        self._socket = line
        threading.Thread(
            target=self._serve, args=(line,), name="interlock-handover", daemon=True
        ).start()

    def _serve(self, listener: socket.socket) -> None:
        with listener:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return  # shut down: there are no tickets
                with line, contextlib.suppress(OSError):  # who asked has gone away, or is too slow
                    line.settimeout(PATIENCE_S)
                    self._give(line)

    def _give(self, line: socket.socket) -> None:
        peer = line.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        if _CREDENTIALS.unpack(peer)[1] != os.geteuid():
            return
        copies = self.take(line.recv(KEY_BYTES))
        if copies is None:
            line.send(b"0")
            return
        try:
            socket.send_fds(line, [b"1"], copies)
        finally:
            for fd in copies:
                os.close(fd)


_office = _Office()
os.register_at_fork(after_in_child=_office.forget)
