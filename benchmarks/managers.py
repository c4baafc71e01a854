"""What is measured of objects that are in a server: a dict, a queue and a lock, by a socket.

Each round has a server process and client processes of its own. Everybody is measured against
`multiprocessing.Manager` by TCP. See README.md.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from functools import partial
from typing import Any

from .harness import Clock, Role, WrongResult, play
from .peers.managers.contender import Face, Remote
from .peers.managers.everyone import EVERYONE
from .peers.managers.own import InterlockTcp, InterlockTls
from .peers.managers.standard import StandardTcp
from .workloads import MIB, Measure, Workload

KEYS = 1024  # of each client
BATCH = 100  # calls of one pipeline
CLIENTS = 8
VALUE_BYTES = MIB
VALUES = 4  # large ones, by turns

Drive = Callable[[Clock, Face, int, int], None]


def _key(client: int, number: int) -> str:
    return f"key {client} {number % KEYS}"


def set_keys(clock: Clock, face: Face, client: int, count: int) -> None:
    """Gives each key in turn a new value."""
    clock.start()
    for number in range(count):
        face.set(_key(client, number), number)
    clock.stop()
    _check_last(face, client, count)


def get_keys(clock: Clock, face: Face, client: int, count: int) -> None:
    """Gets each key in turn."""
    face.set_many([(_key(client, number), number) for number in range(min(count, KEYS))])
    clock.start()
    total = 0
    for number in range(count):
        total += face.get(_key(client, number))
    clock.stop()
    _check_sum(total, count)


def set_in_batches(clock: Clock, face: Face, client: int, count: int) -> None:
    """As `set_keys`, many at once, as the library does that."""
    clock.start()
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        face.set_many([(_key(client, number), number) for number in numbers])
    clock.stop()
    _check_last(face, client, count)


def get_in_batches(clock: Clock, face: Face, client: int, count: int) -> None:
    """As `get_keys`, many at once, as the library does that."""
    face.set_many([(_key(client, number), number) for number in range(min(count, KEYS))])
    clock.start()
    total = 0
    for first in range(0, count, BATCH):
        numbers = range(first, min(first + BATCH, count))
        total += sum(face.get_many([_key(client, number) for number in numbers]))
    clock.stop()
    _check_sum(total, count)


def _check_last(face: Face, client: int, count: int) -> None:
    for number in range(max(0, count - KEYS), count):
        found = face.get(_key(client, number))
        if found != number:
            raise WrongResult(f"{_key(client, number)!r} has {found!r:.80}, not {number}")


def _check_sum(total: int, count: int) -> None:
    if total != sum(number % KEYS for number in range(count)):
        raise WrongResult(f"the values of {count} keys have the sum {total}")


def _large(number: int) -> bytes:
    return bytes([number % VALUES]) * VALUE_BYTES


def set_large(clock: Clock, face: Face, client: int, count: int) -> None:
    """Values of 1 MiB; the last ones are looked at in full."""
    values = [_large(number) for number in range(VALUES)]
    clock.start()
    for number in range(count):
        face.set(_key(client, number % VALUES), values[number % VALUES])
    clock.stop()
    for number in range(min(count, VALUES)):
        if bytes(face.get(_key(client, number))) != values[number]:
            raise WrongResult(f"large value {number} came back as another")


def get_large(clock: Clock, face: Face, client: int, count: int) -> None:
    """Values of 1 MiB; the size of each is looked at, and the last one in full."""
    for number in range(VALUES):
        face.set(_key(client, number), _large(number))
    found: Any = b""
    clock.start()
    for number in range(count):
        found = face.get(_key(client, number % VALUES))
        if len(found) != VALUE_BYTES:
            raise WrongResult(f"large value {number} has {len(found)} bytes")
    clock.stop()
    if bytes(found) != _large(count - 1):
        raise WrongResult(f"large value {count - 1} came back as another")


def one_puts_one_takes(clock: Clock, face: Face, client: int, count: int) -> None:
    """Client 0 puts 0, 1, 2 ...; client 1 takes, and looks at each."""
    clock.start()
    for number in range(count):
        if client == 0:
            face.put(number)
        elif (found := face.take()) != number:
            raise WrongResult(f"item {number} of the queue is {found!r:.80}")
    clock.stop()


def turns_of_a_lock(clock: Clock, face: Face, client: int, count: int) -> None:
    """Takes the lock and gives it back; what is changed under it is nobody else's meanwhile."""
    key = _key(0, 0)
    if client == 0:
        face.set(key, -1)
    clock.start()
    for _ in range(count):
        face.acquire()
        face.release()
    clock.stop()
    face.acquire()
    face.set(key, client)
    found = face.get(key)
    face.release()
    if found != client:
        raise WrongResult(f"client {found} changed what is under the lock of client {client}")


def _client(clock: Clock, drive: Drive, remote: Remote, place: Any, number: int, n: int) -> None:
    face = remote.connect(place)
    try:
        drive(clock, face, number, n)
    finally:
        face.close()


def _round(kind: type[Remote], drive: Drive, clients: int, shares: bool, count: int) -> float:
    """``count`` units of work by so many clients: each its share, or each all of it."""
    each = max(1, count // clients) if shares else count
    remote = kind()
    with remote.serving() as place:
        arguments = ((drive, remote, place, number, each) for number in range(clients))
        roles = [Role(_client, every) for every in arguments]
        return play(multiprocessing.get_context("fork"), roles)[0]


def _workload(
    key: str,
    name: str,
    drive: Drive,
    goals: dict[str, float],
    clients: int = 1,
    *,
    shares: bool = True,
    **more: Any,
) -> Workload:
    references: dict[str, Measure] = {
        kind.NAME: partial(_round, kind, drive, clients, shares)
        for kind in EVERYONE
        if kind.is_there()
    }
    return Workload(
        f"remote-{key}",
        f"remote {name}",
        None,
        goals,
        references=references,
        baseline=StandardTcp.NAME,
        absent=tuple(kind.NAME for kind in EVERYONE if not kind.is_there()),
        **more,
    )


NO_SLOWER = {InterlockTls.NAME: 1.0}
IN_BATCHES = {InterlockTls.NAME: 20.0, InterlockTcp.NAME: 20.0}

WORKLOADS: tuple[Workload, ...] = (
    _workload("dict-set", "dict, set", set_keys, NO_SLOWER),
    _workload("dict-get", "dict, get", get_keys, NO_SLOWER),
    _workload("dict-set-8", "dict, set by 8 clients", set_keys, NO_SLOWER, CLIENTS),
    _workload("dict-get-8", "dict, get by 8 clients", get_keys, NO_SLOWER, CLIENTS),
    _workload("pipelined-set", "dict, set in batches", set_in_batches, IN_BATCHES),
    _workload("pipelined-get", "dict, get in batches", get_in_batches, IN_BATCHES),
    _workload(
        "large-set", "dict, set 1 MiB", set_large, NO_SLOWER, unit="GB/s", amount=VALUE_BYTES
    ),
    _workload(
        "large-get", "dict, get 1 MiB", get_large, NO_SLOWER, unit="GB/s", amount=VALUE_BYTES
    ),
    _workload("queue", "queue, 1 to 1", one_puts_one_takes, NO_SLOWER, 2, shares=False),
    _workload("lock-2", "lock, 2 take turns", turns_of_a_lock, NO_SLOWER, 2),
)
