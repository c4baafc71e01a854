"""What a server keeps for others than the client that asks: so much of each client, and no more."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterator

import pytest

from interlock.errors import AccessDenied, LimitReached, NoSuchObject, StaleToken
from interlock.managers import references
from interlock.managers.auth import Peer, Permissions
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


def test_who_may_call_nothing_of_an_object_does_not_get_it(clients: Clients) -> None:
    """Neither by its name nor with a ticket; who may do anything with it gets it."""
    clients.are("a")
    nothing: list[Permissions] = [{"key": {"other": ["m"]}}, {"*": {}}, {"another": {"*": "*"}}]
    for permissions in nothing:
        strict = Desk(Registry(), clients.objects, permissions, lambda: clients.now_s)
        strict.named["it"] = clients.shared
        with pytest.raises(AccessDenied):
            strict.find("it")
        with pytest.raises(AccessDenied):
            strict.claim(strict.share(clients.shared.id))
    for allowed in ("it", "plain", "*"):
        lax = Desk(Registry(), clients.objects, {"*": {allowed: ["m"]}}, lambda: clients.now_s)
        lax.named["it"] = clients.shared
        assert lax.find("it").id == clients.shared.id


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


def test_a_way_to_a_way_is_fenced_as_the_object_itself() -> None:
    """However many there are between them."""
    shared = Shared(1, object(), PLAIN)
    way = shared
    for lock in (1, 2, 3):
        way = fences.fenced(way, lock, 5)
    assert shared.fences == {1: 5, 2: 5, 3: 5}
    with pytest.raises(StaleToken):
        fences.fenced(shared, 1, 4)


def test_who_waits_in_vain_for_its_parent_leaves_nothing(
    clients: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It gets none of what it asks for, and its name is forgotten."""
    monkeypatch.setattr(desk, "ADOPT_S", 0.0)
    assert asyncio.run(clients.desk.adopt(b"x" * 16, [1, 2])) == [None, None]
    assert not clients.desk._awaited


def test_who_has_as_many_objects_as_it_may_gets_no_more_ways_to_them(clients: Clients) -> None:
    """Each fenced way to an object counts as one."""
    session = clients.are("a")
    session.bounds = Bounds(objects=1)
    with pytest.raises(LimitReached):
        clients.desk.under(clients.shared.id, 1, 1)


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
