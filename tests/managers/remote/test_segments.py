"""SharedMemoryManager by TCP: no pickles there either, and clients unlink what is theirs (P4)."""

from __future__ import annotations

import pickle
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import BadArgument, SegmentNotFound
from interlock.managers import SharedMemoryManager
from interlock.managers.remote.server import RemoteServer
from interlock.shared_memory import SharedMemory
from tests.managers.remote.programs import BOUND_S, KEY, context_of


@pytest.fixture(params=["tcp", "unix"])
def address(request: pytest.FixtureRequest) -> Any:
    return ("127.0.0.1", 0) if request.param == "tcp" else None


@pytest.fixture
def manager(method: str) -> Iterator[Any]:
    with SharedMemoryManager(("127.0.0.1", 0), KEY, ctx=context_of(method)) as manager:
        yield manager


def test_what_clients_made_is_there_until_the_manager_ends(address: Any) -> None:
    with SharedMemoryManager(address, KEY) as manager:
        shm, numbers = manager.SharedMemory(100), manager.ShareableList([1, "two"])
        client = SharedMemoryManager(manager.address, KEY)
        client.connect()
        theirs = client.SharedMemory(50)
        made = [shm.name, numbers.shm.name, theirs.name]
        shm.buf[0] = 5
        shm.close()
        again = SharedMemory(shm.name)
        assert (again.buf[0], list(numbers)) == (5, [1, "two"])
        again.close()
    for name in made:
        with pytest.raises(SegmentNotFound):
            SharedMemory(name)
    theirs.close()
    numbers.shm.close()


def test_a_server_by_tcp_is_ours_and_unpickles_nothing(manager: Any, tmp_path: Path) -> None:
    server = SharedMemoryManager(("127.0.0.1", 0), KEY).get_server()
    assert isinstance(server, RemoteServer)
    server.listener.close()
    bomb = pickle.dumps((Path.touch, tmp_path / "touched"))
    with socket.create_connection(manager.address, BOUND_S) as stranger:
        stranger.sendall(len(bomb).to_bytes(4, "big") + bomb)
        while stranger.recv(1000):
            pass
    assert not (tmp_path / "touched").exists()
    assert manager.SharedMemory(10).size == 10


def test_only_generated_names_are_taken(manager: Any) -> None:
    segments = manager._remote.create("segments", (), {})
    for name in ("../../etc/passwd", "/etc/passwd", "", ".", "psm_1_2"):
        with pytest.raises((ValueError, SegmentNotFound)):
            segments.track(name)


def test_a_chosen_name_is_not_unlinked_by_a_clients_word(manager: Any) -> None:
    chosen = SharedMemory("interlock_test_chosen", create=True, size=10)
    try:
        with pytest.raises(ValueError, match="chosen"):
            manager._remote.create("segments", (), {}).track(chosen.name)
    finally:
        chosen.close()
        chosen.unlink()
    with pytest.raises(BadArgument):
        manager._remote.create("segments", (), {}).track(5)


def test_it_is_said_that_nothing_is_started() -> None:
    with pytest.raises(AssertionError, match="not yet started"):
        SharedMemoryManager(("127.0.0.1", 0), KEY).SharedMemory(5)
    with socket.create_server(("127.0.0.1", 0)) as nobody:
        address = nobody.getsockname()
    with pytest.raises(OSError):
        SharedMemoryManager(address, KEY).connect()
