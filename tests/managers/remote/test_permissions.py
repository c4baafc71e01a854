"""Managers over TLS: the name in a certificate says what a client may use."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from interlock.errors import AccessDenied, KeysRefused
from interlock.managers import SyncManager
from interlock.managers.keys import Authority
from interlock.managers.remote.line import Line
from interlock.managers.remote.place import Place
from interlock.managers.tls import TlsFailed
from tests.managers.remote.programs import BOUND_S, KEY
from tests.managers.remote.test_remote_example import until_stopped

PERMISSIONS = {
    "worker": {"dict": "*", "Queue": ("create", "put")},
    "*": {"Event": ("create", "is_set")},
}


@contextmanager
def serving(authority: Authority, **options: Any) -> Iterator[Any]:
    """A server in a thread; the address, and a way to connect as another."""
    folder = authority.directory
    manager = SyncManager(("127.0.0.1", 0), tls=folder, name="hub", **options)
    server = manager.get_server()
    thread = threading.Thread(target=until_stopped, args=(server,))
    thread.start()

    def connect(name: str) -> Any:
        client = SyncManager(server.address, tls=folder, name=name)
        client.connect()
        return client

    try:
        yield connect
    finally:
        server.stop_event.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


def test_certificates_stand_for_a_key(authority: Authority) -> None:
    """Mutual TLS 1.3: both are known by name, and no key is asked for."""
    with serving(authority) as connect:
        shared = connect("worker").dict(a=1)
        shared["b"] = connect("worker").list([1])
        assert list(shared["b"]) == [1]


def test_a_client_does_what_its_name_may(authority: Authority) -> None:
    """The rest is refused before anything is run, and says who asked for what."""
    with serving(authority, permissions=PERMISSIONS) as connect:
        worker, other = connect("worker"), connect("hub")
        assert dict(worker.dict(a=1)) == {"a": 1}
        queue = worker.Queue()
        queue.put(1)
        with pytest.raises(AccessDenied, match="'worker' may not call 'get'"):
            queue.get()
        with pytest.raises(AccessDenied, match="'worker' may not call 'create'"):
            worker.list()
        assert other.Event().is_set() is False
        with pytest.raises(AccessDenied, match="'hub'"):
            other.dict()


def test_a_revoked_client_is_not_let_in_from_then_on(authority: Authority) -> None:
    """The server looks at the list for each connection; nobody starts it again."""
    authority.issue("leaver")
    with serving(authority) as connect:
        assert connect("leaver").dict(a=1)["a"] == 1
        authority.revoke("leaver")
        address: Any = connect("worker").address
        place = Place(address, None, str(authority.directory), "leaver", "localhost")
        with pytest.raises(TlsFailed, match="certificate revoked"):
            Line(place)  # another than the one that is open
        assert connect("worker").dict(a=2)["a"] == 2


def test_a_certificate_for_another_host_is_refused(authority: Authority) -> None:
    """Unless the client says which host it means."""
    authority.issue("elsewhere", ["db.example.org"])
    folder = authority.directory
    server = SyncManager(("127.0.0.1", 0), tls=folder, name="elsewhere").get_server()
    thread = threading.Thread(target=until_stopped, args=(server,))
    thread.start()
    try:
        with pytest.raises(TlsFailed, match="certificate"):
            SyncManager(server.address, tls=folder, name="worker").connect()
        SyncManager(server.address, tls=folder, name="worker", hostname="db.example.org").connect()
    finally:
        server.stop_event.set()
        thread.join(BOUND_S)


def test_it_is_said_whose_certificate_is_shown(authority: Authority) -> None:
    with pytest.raises(KeysRefused, match="name="):
        SyncManager(("127.0.0.1", 0), tls=authority.directory).get_server()
    with pytest.raises(ValueError, match="host and a port"):
        SyncManager(tls=authority.directory, name="hub")


def test_a_client_with_tls_or_without_it_is_told_that_the_server_is_another(
    authority: Authority,
) -> None:
    """And not only that a connection was lost."""
    folder = authority.directory
    with SyncManager(("127.0.0.1", 0), KEY) as plain:
        with pytest.raises(OSError, match="one without TLS"):
            SyncManager(plain.address, tls=folder, name="worker").connect()
    with SyncManager(("127.0.0.1", 0), tls=folder, name="hub") as secured:
        with pytest.raises(OSError, match="does it want TLS"):
            SyncManager(secured.address, KEY).connect()
