"""What a server keeps for others than the client that asks: so much of each client, and no more."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import pytest

from interlock.errors import LimitReached, NoSuchObject
from interlock.managers import references
from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.objects import Exposed, Registry
from interlock.managers.references import TICKET_S, Objects, Shared
from interlock.managers.server import ObjectServer
from interlock.managers.serving import desk, fences
from interlock.managers.serving.desk import Caller, Desk, _caller
from interlock.managers.serving.session import Session

PEER = Peer("key", "tcp", "here")
PLAIN = Exposed("plain", None, {})


class Clients:
    """A desk, and who stands at it."""

    def __init__(self) -> None:
        self.objects, self.now_s = Objects(b"s" * 16), 0.0
        self.desk = Desk(Registry(), self.objects, None, lambda: self.now_s)
        self.shared = self.objects.add(object(), PLAIN)
        self._sessions: dict[str, Session] = {}

    def are(self, who: str) -> Session:
        made = Session(who.encode() * 16, b"k" * 32, PEER, Bounds())
        session = self._sessions.setdefault(who, made)
        if session is made:
            session.give(self.shared)
        _caller.set(Caller(PEER, session, 1))
        return session


@pytest.fixture
def clients() -> Iterator[Clients]:
    token = _caller.set(Caller(PEER, Session(b"0" * 16, b"k" * 32, PEER, Bounds()), 0))
    yield Clients()
    _caller.reset(token)


def test_one_client_does_not_use_up_the_tickets_of_others(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And each has its own again when they are claimed, or have ended."""
    monkeypatch.setattr(references, "_TICKETS_A_CLIENT", 3)
    clients.are("a")
    tickets = [clients.desk.share(clients.shared.id) for _ in range(3)]
    with pytest.raises(LimitReached):
        clients.desk.share(clients.shared.id)
    clients.are("b")
    clients.desk.claim(clients.desk.share(clients.shared.id))
    clients.desk.claim(tickets[0])
    clients.are("a")
    clients.desk.share(clients.shared.id)
    with pytest.raises(NoSuchObject, match="used up"):
        clients.desk.claim(tickets[0])
    clients.objects.expire(TICKET_S + 1)
    for _ in range(3):
        clients.desk.share(clients.shared.id)


def test_one_client_does_not_use_up_the_children_of_others(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desk, "LENT_A_CLIENT", 2 * (desk._CHILD + 1))
    clients.are("a")
    names = [secrets.token_bytes(16) for _ in range(4)]
    for name in names[:2]:
        clients.desk.lend(name)
    with pytest.raises(LimitReached):
        clients.desk.lend(names[2])
    clients.are("b")
    clients.desk.lend(names[3])
    (found,) = asyncio.run(clients.desk.adopt(names[0], [clients.shared.id]))
    assert found is not None
    clients.are("a")
    clients.desk.lend(names[2])
    clients.desk.expire(TICKET_S + 1)
    assert not clients.desk._lent and not clients.desk._lent_by and not clients.desk._lent_in_all


@pytest.mark.parametrize("name", [b"", b"x" * 15, b"x" * 1_000_000])
def test_the_name_of_a_child_has_a_length(clients: Clients, name: bytes) -> None:
    clients.are("a")
    with pytest.raises(ValueError, match="name"):
        clients.desk.lend(name)


def test_an_object_keeps_the_tokens_of_so_many_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fences, "LOCKS_MAX", 3)
    shared = Shared(1, object(), PLAIN)
    for lock in (1, 2, 3, 3, 1):
        fences.fenced(shared, lock, 1)
    with pytest.raises(LimitReached):
        fences.fenced(shared, 4, 1)


def test_who_leaves_many_sessions_behind_loses_its_own() -> None:
    """Not that of another client, which was cut off before and comes back."""
    server = ObjectServer(Registry(), authkey=b"key", bounds=Bounds(sessions=4))
    for number, name in enumerate(["honest", "flood", "flood", "flood"]):
        session = Session(bytes([number]) * 16, b"k" * 32, Peer(name, "tcp", "here"), Bounds())
        session.away_since_s = float(number)
        server._sessions[session.identity] = session
    server._make_room()
    left = [session.peer.name for session in server._sessions.values()]
    assert left == ["honest", "flood", "flood"]
    assert bytes([1]) * 16 not in server._sessions
