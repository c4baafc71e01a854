"""What a server keeps: referents in shared memory, each for as long as somebody has it.

A referent stays while one of these is true:

    held        a process has a hold on it (hold.py); the kernel knows
    called      a proxy elsewhere calls it through the server's socket, which counts those
    asked for   it is on its way to one who asked: for PATIENCE_S, or while he is connected
    within      a container that stays refers to it (values.py), or a message in a queue that
                stays: queues cannot be searched, so who puts one says so before, and who has
                got it after; what was in the hands of a process killed between the two stays
                until the queue goes

`sweep` finds what is none of these and lets it go. It first looks at holds and then into
containers: a reference in a container becomes a hold only through this keeper, under its mutex, and
a process that stores a reference has a hold meanwhile. So whatever moves while the sweep looks is
seen in one place or the other. Cycles of containers go when nobody has one of them.

Sweeps come EVERY_S apart, further when they take long, and at once when somebody counts.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from interlock.errors import SegmentCorrupted
from interlock.managers.lending.hold import is_held, new_hold
from interlock.managers.lending.reference import (
    LEND,
    NOBODY,
    PARK,
    PATIENCE_S,
    SEARCH,
    YES,
    Packed,
    answer,
    pack_object,
)
from interlock.managers.memory.values import new_name, references_in

__all__ = ["Keeper", "keeper_of"]

EVERY_S = 0.1
SHARE = 20  # a sweep takes one part in so many of the time at the most

# Those of this process, by the names of their sockets.
_keepers: dict[str, Keeper] = {}


def keeper_of(lender: str) -> Keeper | None:
    """The keeper of that name, if it is in this process."""
    return _keepers.get(lender)


@dataclass
class Kept:
    """A referent that is kept."""

    what: Any
    data: bytes
    descriptors: list[int]
    called: int = 0  # proxies that call it through the server
    asked: int = 0  # connections on which it is being made
    until: float = 0.0  # it stays at least until then
    searched: bool = False  # whether it may have references in it

    def references(self) -> set[str]:
        """The names of what it refers to."""
        if not self.searched:
            return set()
        try:
            return references_in(b"".join(data for _, data in self.what._map._snapshot(True)))
        except SegmentCorrupted:  # who uses it is told
            return set()

    def close(self) -> None:
        """Let it go."""
        for fd in self.descriptors:
            os.close(fd)


class Keeper:
    """Keeps referents, lends them, and lets them go.

    Args:
        gone: Called with the name of each that went.
        stays: Says which names stay for another reason.
    """

    def __init__(self, gone: Callable[[str], None], stays: Callable[[], set[str]]) -> None:
        self.lender = f"interlock-keeper-{os.getpid()}-{secrets.token_hex(8)}"
        self._gone, self._stays = gone, stays
        self._mutex = threading.RLock()
        self._kept: dict[str, Kept] = {}
        self._parked: dict[str, Counter[str]] = {}  # by queue: what its messages refer to
        self._work = threading.Event()  # there is something to sweep
        self._socket: socket.socket | None = None  # until there is something to lend

    def __contains__(self, name: object) -> bool:
        return name in self._kept

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def made(self, what: Any) -> Iterator[str]:
        """Keep a new referent, at least until the end of the block; its name."""
        name = new_name()
        data, descriptors = pack_object(what)
        kept = Kept(what, data, [os.dup(fd) for fd in descriptors], asked=1)
        if values := getattr(what, "_values", None):
            values.told = partial(self.search, name)
            kept.searched = values.has_references
        with self._mutex:
            self._start()
            self._kept[name] = kept
        self._work.set()
        try:
            yield name
        finally:
            with self._mutex:
                kept.asked -= 1

    def called(self, name: str, more: int) -> None:
        """Count proxies that call it through the server.

        Raises:
            KeyError: There is none of that name.
        """
        with self._mutex:
            self._kept[name].called += more

    def on_its_way(self, name: str) -> bool:
        """Its reference is being sent to somebody who waits for it. False: it is not kept here."""
        with self._mutex:
            kept = self._kept.get(name)
            if kept is not None:
                kept.until = time.monotonic() + PATIENCE_S
            return kept is not None

    def lend(self, name: str) -> Packed | None:
        """The object's bytes, a hold, and descriptors of the caller's own; None: it is gone."""
        with self._mutex:
            kept = self._kept.get(name)
            if kept is None:
                return None
            hold = new_hold(kept.descriptors[0])
            return kept.data, [hold, *map(os.dup, kept.descriptors)]

    def holders(self) -> list[tuple[str, str]]:
        """What is kept and why, for people."""
        with self._mutex:
            return [
                (name, f"held={is_held(kept.descriptors[0])} called={kept.called}")
                for name, kept in sorted(self._kept.items())
            ]

    def sweep(self) -> None:
        """Let go what nobody has."""
        with self._mutex:
            now = time.monotonic()
            elsewhere = self._stays()
            stay = {
                name
                for name, kept in self._kept.items()
                if kept.called > 0
                or kept.asked
                or kept.until > now
                or name in elsewhere
                or is_held(kept.descriptors[0])
            }
            if len(stay) < len(self._kept):
                self._follow(stay)
            for name in self._kept.keys() - stay:
                self._kept.pop(name).close()
                self._parked.pop(name, None)
                self._gone(name)
            if not self._kept:
                self._work.clear()

    def _follow(self, stay: set[str]) -> None:
        """Add what is within what stays."""
        new = list(stay)
        while new:
            name = new.pop()
            within = self._kept[name].references() | self._parked.get(name, Counter()).keys()
            within &= self._kept.keys()
            new.extend(within - stay)
            stay |= within

    def search(self, name: str) -> None:
        """The container may have references in it from now on."""
        with self._mutex, suppress(KeyError):
            self._kept[name].searched = True

    # ---- threads ----------------------------------------------------------------------------

    def _start(self) -> None:
        if self._socket is not None:
            return
        line = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        line.bind("\0" + self.lender)
        line.listen(128)
        self._socket = line
        _keepers[self.lender] = self
        for target, args in ((self._serve, (line,)), (self._sweep_now_and_then, ())):
            threading.Thread(target=target, args=args, name="interlock-keeper", daemon=True).start()

    def _sweep_now_and_then(self) -> None:
        while True:
            self._work.wait()
            began = time.monotonic()
            self.sweep()
            time.sleep(max(EVERY_S, SHARE * (time.monotonic() - began)))

    def _serve(self, listener: socket.socket) -> None:
        while True:
            line, _ = listener.accept()
            threading.Thread(target=self._answer, args=(line,), daemon=True).start()

    def _answer(self, line: socket.socket) -> None:
        with suppress(OSError):  # who asked has gone away, or is too slow
            answer(line, self.reply)

    def reply(self, request: bytes, what: str) -> Packed:
        """What is answered to a request (reference.py)."""
        if request == LEND:
            return self.lend(what) or (NOBODY, [])
        if request == SEARCH:
            self.search(what)
            return YES, []
        queue, _, name = what.partition(" ")
        with self._mutex:
            if queue not in self._kept or name not in self._kept:
                return NOBODY, []
            parked = self._parked.setdefault(queue, Counter())
            parked[name] += 1 if request == PARK else -1
            self._parked[queue] = +parked
        return YES, []

    def forget(self) -> None:
        """In a forked child: what is kept is the parent's."""
        if self._socket is not None:
            self._socket.close()
        for kept in self._kept.values():
            kept.close()
        self._kept.clear()


def _forget_all() -> None:
    for keeper in _keepers.values():
        keeper.forget()
    _keepers.clear()


os.register_at_fork(after_in_child=_forget_all)
