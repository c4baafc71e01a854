"""`multiprocessing`'s "Using a remote manager", as it is written, by TCP without pickles."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import AuthenticationError, connection
from queue import Empty, Queue
from typing import Any

import pytest

from interlock.errors import ConnectionRefusedByServer, InsecureAddress, WireError
from interlock.managers import BaseManager, SyncManager
from interlock.managers.bounds import Bounds
from tests.managers.remote.programs import BOUND_S, GETS, KEY, LOCAL, PUTS, SERVER
from tests.managers.waiting import until


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


def command(program: str, port: int) -> list[str]:
    return [sys.executable, "-c", program.format(package="interlock", port=port)]


@contextmanager
def serving(program: str, port: int) -> Iterator[None]:
    with subprocess.Popen(command(program, port), start_new_session=True) as server:
        try:
            until(lambda: _listens(port) or server.poll() is not None)
            assert server.poll() is None
            yield
        finally:
            os.killpg(server.pid, signal.SIGKILL)


def _listens(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("server", [SERVER, LOCAL])
def test_the_documentations_example_runs_unchanged(server: str) -> None:
    """P1: with `multiprocessing` replaced by `interlock`, and no other word."""
    port = free_port()
    with serving(server, port):
        if server is SERVER:
            subprocess.run(command(PUTS, port), check=True, timeout=BOUND_S)
        got = subprocess.run(
            command(GETS, port), check=True, timeout=BOUND_S, capture_output=True, text=True
        )
    assert got.stdout == ("hello\n" if server is SERVER else "local hello\n")


class QueueManager(BaseManager):
    pass


class Getter(BaseManager):
    pass


QUEUE: Queue[Any] = Queue()
QueueManager.register("get_queue", callable=lambda: QUEUE)
Getter.register("get_queue")


def until_stopped(server: Any) -> None:
    with suppress(SystemExit):  # as of the standard library's server
        server.serve_forever()


@contextmanager
def served(**options: Any) -> Iterator[tuple[str, int]]:
    """A server in a thread of this process, as `get_server` gives it."""
    options = {"authkey": KEY, **options}
    server = QueueManager(address=("", 0), **options).get_server()
    thread = threading.Thread(target=until_stopped, args=(server,))
    thread.start()
    try:
        yield server.address
    finally:
        server.stop_event.set()
        thread.join(BOUND_S)
        assert not thread.is_alive()


def test_clients_that_wait_for_an_item_leave_the_server_its_threads() -> None:
    """P10: a hundred wait, and the program that serves the queue puts from a thread of its own."""
    with served() as address:
        manager = Getter(address=address, authkey=KEY)
        manager.connect()
        queue: Any = manager.get_queue()  # type: ignore[attr-defined]
        got: list[int] = []
        waiting = [
            threading.Thread(target=lambda: got.append(queue.get(timeout=BOUND_S)), daemon=True)
            for _ in range(100)
        ]
        for thread in waiting:
            thread.start()
        assert queue.qsize() == 0
        for number in range(50):
            QUEUE.put(number)
        for number in range(50, 100):
            queue.put(number)
        for thread in waiting:
            thread.join(BOUND_S)
        assert sorted(got) == list(range(100))
        with pytest.raises(Empty):
            queue.get(timeout=0.01)
        with pytest.raises(Empty):
            queue.get_nowait()


def test_another_key_is_refused() -> None:
    """By the error that `multiprocessing` raises."""
    with served() as address:
        with pytest.raises(AuthenticationError):
            Getter(address=address, authkey=b"another").connect()


def test_a_server_of_multiprocessing_is_told_from_ours() -> None:
    """It would have us unpickle what it sends."""
    with connection.Listener(("127.0.0.1", 0), authkey=KEY) as listener:

        def accept() -> None:
            with suppress(EOFError, OSError, AuthenticationError):
                listener.accept()

        accepts = threading.Thread(target=accept)
        accepts.start()
        with pytest.raises(WireError, match="one of multiprocessing"):
            Getter(address=listener.address, authkey=KEY).connect()
        accepts.join(BOUND_S)


def test_a_client_of_multiprocessing_is_not_kept_waiting() -> None:
    """It waits for a challenge that does not come, until the server has waited for long enough."""
    bounds = Bounds(handshake_s=0.2)
    with SyncManager(("127.0.0.1", 0), KEY, bounds=bounds) as manager:
        address: Any = manager.address
        with pytest.raises((EOFError, OSError)):
            connection.Client(address, authkey=KEY)


def test_by_xmlrpclib_tuples_are_lists() -> None:
    """Wherever they are; as in `multiprocessing`."""
    with SyncManager(("127.0.0.1", 0), KEY, serializer="xmlrpclib") as manager:
        made: Any = manager.list([1, (2, (3,))])
        made.append({"a": (4,)})
        assert made[:] == [1, [2, [3]], {"a": [4]}]


def test_what_is_no_value_is_refused_where_it_is_sent() -> None:
    """P4, P6: a function would be code; nothing of it reaches the server."""
    with served() as address:
        manager = Getter(address=address, authkey=KEY)
        manager.connect()
        with pytest.raises(Exception, match="not registered"):
            manager.get_queue().put(os.getpid)  # type: ignore[attr-defined]


def _own_address() -> str | None:
    """An address of this machine by which it is not the loopback; nothing is sent for it."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return None
        host: str = sock.getsockname()[0]
        return host


def test_a_key_alone_is_not_for_other_machines() -> None:
    """Neither goes a client there, nor is one taken from there, unless both write it out."""
    with pytest.raises(InsecureAddress, match="insecure=True"):
        Getter(address=("192.0.2.1", 50000), authkey=KEY).connect()
    with pytest.raises(InsecureAddress, match="insecure=True"):
        QueueManager(address=("192.0.2.1", 50000), authkey=KEY).get_server()


def test_who_comes_from_another_address_is_refused_and_told() -> None:
    """The server listens everywhere, as the example says; the peer's address decides."""
    host = _own_address()
    if host is None:  # a machine without any network has the first test
        return
    with served() as (_, port):
        with pytest.raises(ConnectionRefusedByServer, match="without TLS"):
            Getter(address=(host, port), authkey=KEY, insecure=True).connect()
    with served(insecure=True) as (_, port):
        Getter(address=(host, port), authkey=KEY, insecure=True).connect()
