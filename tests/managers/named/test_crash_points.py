"""A server killed at each step from a change to its answer: nothing lost, nothing twice (P2)."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from interlock.managers.named import Connection
from tests.managers.named.processes import BOUND_S, ServerProcess

# Served as a program's module: it kills its own process at a point, once, when it is armed.
DYING = """
import os, signal
from interlock.managers.objects import Registry
from interlock.managers.served.journal import Journal

registry = Registry()
POINT = {point!r}

def at(point):
    if point == POINT and os.path.exists("armed"):
        os.unlink("armed")
        os.kill(os.getpid(), signal.SIGKILL)

class Dying:
    def __init__(self, connection):
        self._connection = connection
    def __getattr__(self, name):
        return getattr(self._connection, name)
    def execute(self, statement, *values):
        if statement == "COMMIT":
            at("written")
        done = self._connection.execute(statement, *values)
        if statement == "BEGIN":
            at("begun")
        if statement == "COMMIT":
            at("committed")
        return done

def around(name, before, behind):
    inner = getattr(Journal, name)
    def outer(self, *args):
        at(before)
        inner(self, *args)
        at(behind)
    setattr(Journal, name, outer)

start = Journal.start
def started(self):
    self._connection = Dying(self._connection)
    start(self)
Journal.start = started
around("_flush", "entered", "given")
around("_written", "durable", "answered")
"""
POINTS = ("entered", "written", "committed", "answered")
MORE = ("given", "begun", "durable")


def changes(connection: Connection) -> list[tuple[Callable[[], object], object]]:
    """What is done, and what comes of it if it is done once."""
    items, state, queue = connection.list("l"), connection.dict("d"), connection.queue("q")
    lock = connection.lock("x")
    items.append("first")
    state["a"] = 1
    queue.put_many([1, 2])

    def add() -> object:
        items.append("second")
        return items.copy()

    def many() -> object:
        call, of = connection.client.call, items._reference
        with connection.client.pipeline():
            popped = [call(of, "pop", -1), call(of, "extend", [b"x", b"y"]), call(of, "pop", 0)]
        return len(popped), len(items)

    return [
        (add, ["first", "second"]),
        (lambda: state.pop("a"), 1),
        (queue.get, 1),
        (lambda: lock.acquire() and lock.token, 1),
        (many, (3, 2)),
    ]


@pytest.mark.parametrize("point", POINTS)
def test_killed_at(tmp_path: Path, point: str) -> None:
    """The call returns when the next server is there, with what it would have returned."""
    kill_at(tmp_path, point, every=point == "committed")


@pytest.mark.campaign
@pytest.mark.parametrize("point", POINTS + MORE)
def test_killed_at_in_every_kind_of_change(tmp_path: Path, point: str) -> None:
    """At more points, too."""
    kill_at(tmp_path, point, every=True)


def kill_at(tmp_path: Path, point: str, *, every: bool) -> None:
    """Kill it there in one change, or in one after another."""
    (tmp_path / "dying.py").write_text(DYING.format(point=point))
    with ServerProcess(tmp_path, "dying:registry") as server, server.connect() as connection:
        todo = changes(connection)
        chosen = todo if every else todo[1:2]
        for change, expected in chosen:
            came: list[object] = []
            for _ in range(2):  # answers have come, and then are forgotten: it dies at the change
                connection.names()
            (tmp_path / "armed").touch()
            thread = threading.Thread(target=lambda: came.append(change()))  # noqa: B023
            thread.start()
            assert server.wait() == -signal.SIGKILL
            server.start()
            thread.join(BOUND_S)
            assert came == [expected]
        assert connection.queue("q").get() == (2 if len(chosen) > 1 else 1)
        assert connection.dict("d").copy() == {}
