"""Calls over real sockets: values, errors, references, and what is refused by default (P4, P6)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interlock.errors import (
    AccessDenied,
    BadArgument,
    ConnectionRefusedByServer,
    InsecureAddress,
    LimitReached,
    MessageTooLarge,
    NoSuchObject,
    NotExposed,
    SerializationError,
    ServerGone,
)
from interlock.managers.auth import AuthenticationFailed
from interlock.managers.bounds import Bounds
from interlock.managers.client import Client
from interlock.managers.faults import RemoteTraceback
from interlock.managers.references import Reference
from interlock.serialize.exceptions import RemoteError
from tests.managers.served import BOUND_S, KEY, PERMISSIONS, Served
from tests.managers.waiting import until


@pytest.fixture(params=["unix", "tcp"])
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Served]:
    address = str(tmp_path / "socket") if request.param == "unix" else ("127.0.0.1", 0)
    with Served(address) as served:
        yield served


@pytest.fixture
def client(served: Served) -> Iterator[Client]:
    with Client(served.address, authkey=KEY) as client:
        yield client


def test_a_call_gives_what_the_method_returned(client: Client) -> None:
    """Plain values, there and back; by position and by name."""
    counter = client.create("Counter", start=5)
    assert client.call(counter, "add", 2) == 7
    assert client.call(counter, "add", amount=3) == 10
    value = {"a": [1, 2.5, None], "b": (b"x", "ü")}
    assert client.call(counter, "echo", value) == value


@pytest.mark.parametrize("size", [10, 5000, 20_000, 300_000, 3_000_000])
def test_large_values_come_back_as_they_were(client: Client, size: int) -> None:
    """Within the body, beside it, and in several chunks; with arrays, which are not copied."""
    counter = client.create("Counter")
    array = np.arange(size, dtype=np.uint8)
    back = client.call(counter, "echo", [array, b"x" * size, {"n": array[: size // 2]}])
    assert (back[0] == array).all()
    assert back[1] == b"x" * size
    assert (back[2]["n"] == array[: size // 2]).all()


def test_a_value_with_more_buffers_than_a_frame_has_travels(client: Client) -> None:
    """It is put together where it would not fit."""
    arrays = [np.full(1000, index) for index in range(1500)]
    back = client.call(client.create("Counter"), "echo", arrays)
    assert len(back) == 1500
    assert all((one == other).all() for one, other in zip(back, arrays, strict=True))


def test_results_with_more_buffers_than_a_frame_has_travel_together(client: Client) -> None:
    """Each of them has fewer; what the frame has no room for is put together."""
    counter = client.create("Counter")
    with client.pipeline():
        laters = [client.call(counter, "pages", count) for count in (400, 400, 400, 0)]
    for later, count in zip(laters, (400, 400, 400, 0), strict=True):
        assert [page[0] for page in later.result()] == list(range(count))


def test_only_registered_methods_can_be_called(client: Client) -> None:
    """Names are looked up in a table: no private one, none of Python's, no walk with dots."""
    counter = client.create("Counter")
    for name in (
        "_private",
        "__class__",
        "__init__",
        "__reduce__",
        "add.__globals__",
        "",
        "x" * 200,
    ):
        with pytest.raises(NotExposed, match="nothing was run"):
            client.call(counter, name)
    for name in ("create nothing", "named", "create fixed"):
        with pytest.raises(NotExposed):
            client.call(0, name)


def test_arguments_are_checked_with_the_path(client: Client) -> None:
    """By the method's type hints, at the server; the method is not run."""
    counter = client.create("Counter")
    with pytest.raises(BadArgument, match="declared as int") as caught:
        client.call(counter, "add", "3")
    assert caught.value.path == "$.amount"
    with pytest.raises(BadArgument) as caught:
        client.call(counter, "rows", {"a": [1], "b": [1, "x"]})
    assert caught.value.path == "$.rows['b'][1]"
    with pytest.raises(BadArgument, match="missing"):
        client.call(counter, "add")
    with pytest.raises(BadArgument):
        client.create("Counter", start="0")
    assert caught.value.__cause__ is None  # the server's stack would say nothing to the caller
    assert client.call(counter, "add", 0) == 0


def test_errors_arrive_as_what_they_were(client: Client) -> None:
    """The same type and arguments, with the server's traceback; or RemoteError."""
    counter = client.create("Counter")
    with pytest.raises(ValueError) as caught:
        client.call(counter, "fail", "value")
    assert caught.value.args == ("v", 3)
    assert isinstance(caught.value.__cause__, RemoteTraceback)
    assert "in fail" in str(caught.value.__cause__)
    with pytest.raises(KeyError):
        client.call(counter, "fail", "key")
    with pytest.raises(RemoteError, match=r"tests\.managers\.served\.Unheard: x"):
        client.call(counter, "fail", "own")


def test_a_traceback_can_be_hidden(tmp_path: Path) -> None:
    """What the server's files are called is nobody's business."""
    with Served(str(tmp_path / "s"), hide_tracebacks=True) as served:
        with Client(served.address, authkey=KEY) as client:
            with pytest.raises(ValueError) as caught:
                client.call(client.create("Counter"), "fail", "value")
    assert caught.value.__cause__ is None


def test_what_cannot_travel_fails_at_the_call(client: Client) -> None:
    """With the path, on either side; the connection goes on."""
    counter = client.create("Counter")
    with pytest.raises(SerializationError, match="not registered"):
        client.call(counter, "echo", object())
    with pytest.raises(SerializationError, match="not registered"):
        client.call(counter, "unsendable")
    assert client.call(counter, "add", 1) == 1


def test_one_that_waits_holds_up_no_other(client: Client) -> None:
    """An async method, and one in a thread, are waited for by threads of one client."""
    gate, sleeper = client.create("Gate"), client.create("Sleeper")
    results: list[str] = []
    threads = [
        threading.Thread(target=lambda it=each: results.append(client.call(it, "wait")))
        for each in (gate, gate, sleeper)
    ]
    for thread in threads:
        thread.start()
    until(lambda: client.call(gate, "waiters") == 2)
    client.call(gate, "open")
    client.call(sleeper, "wake")
    for thread in threads:
        thread.join(BOUND_S)
    assert sorted(results) == ["open", "open", "woken"]


def test_many_threads_each_get_their_own_answers(client: Client) -> None:
    """None of them reads another's answer, or waits for ever."""
    counter = client.create("Counter")
    wrong: list[object] = []

    def ask(number: int) -> None:
        for index in range(100):
            value = (number, index)
            if client.call(counter, "echo", value) != value:
                wrong.append(value)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
        assert not thread.is_alive()
    assert wrong == []


def test_an_object_lives_as_long_as_its_holders(served: Served, client: Client) -> None:
    """A client's reference, then one in a managed dict, then nobody's."""
    empty = served.statistics()["objects"]
    holder = client.create("dict")
    counter = client.create("Counter", 41)
    client.call(holder, "__setitem__", "c", [counter])
    assert served.statistics()["objects"] == empty + 2
    del counter
    counter = client.call(holder, "__getitem__", "c")[0]
    assert client.call(counter, "add", 1) == 42
    client.call(holder, "pop", "c")
    assert client.call(counter, "add", 1) == 43
    del counter
    until(lambda: served.statistics()["objects"] == empty + 1)


def test_a_dict_that_holds_itself_goes_all_the_same(served: Served) -> None:
    """Cycles are collected, as everywhere in Python."""
    import gc

    empty = served.statistics()["objects"]
    with Client(served.address, authkey=KEY) as client:
        holder = client.create("dict")
        client.call(holder, "__setitem__", "self", holder)
    until(lambda: gc.collect() >= 0 and served.statistics()["objects"] == empty)


def test_a_reference_goes_to_another_client_by_a_ticket(served: Served, client: Client) -> None:
    """The object lives in between, though the first one lets go; a ticket is good once."""
    counter = client.create("Counter", 1)
    ticket = client.share(counter)
    del counter
    with Client(served.address, authkey=KEY) as other:
        taken = other.claim(ticket)
        assert other.call(taken, "add", 1) == 2
        with pytest.raises(NoSuchObject, match="used up"):
            other.claim(ticket)


def test_a_reference_of_another_client_cannot_be_made_up(served: Served, client: Client) -> None:
    """What its session does not hold a client cannot name, nor put into an argument."""
    counter = client.create("Counter")
    with Client(served.address, authkey=KEY) as thief:
        own = thief.create("dict")
        with pytest.raises(NoSuchObject):
            thief.call(counter.id, "add", 1)
        forged = Reference(counter.server, counter.id, "Counter", (), own.holder)
        with pytest.raises(Exception, match="no object"):
            thief.call(own, "__setitem__", "x", forged)
    assert client.call(counter, "add", 1) == 1


def test_what_a_client_held_is_let_go_when_it_leaves(served: Served, client: Client) -> None:
    """A lock of a client that says goodbye is free at once."""
    gate = client.create("Gate")
    ticket = client.share(gate)
    with Client(served.address, authkey=KEY) as other:
        theirs = other.claim(ticket)
        assert other.call(theirs, "take")
        assert not client.call(gate, "take")
    until(lambda: client.call(gate, "take"))


def test_named_objects_are_found(client: Client) -> None:
    """Those that the server serves by a name."""
    assert client.call(client.find("shared"), "add", 1) == 1
    with pytest.raises(NoSuchObject):
        client.find("nothing")


def test_permissions_say_who_may_use_what() -> None:
    """By the peer's name: objects and methods; the rest is refused before anything is run."""
    with Served(("127.0.0.1", 0), permissions=PERMISSIONS) as served:
        with Client(served.address, authkey=KEY) as client:
            counter = client.create("Counter")
            assert client.call(counter, "add", 1) == 1
            with pytest.raises(AccessDenied, match="nothing was run"):
                client.call(counter, "echo", 1)
            with pytest.raises(AccessDenied):
                client.create("dict")
            shared = client.find("shared")
            assert client.call(shared, "echo", 1) == 1
            fenced = client.call(0, "under", shared.id, 1, 1)
            assert client.call(fenced, "echo", 2) == 2  # another way to it, and the same name


def test_a_pipeline_runs_its_calls_in_order(client: Client) -> None:
    """In few frames; a result is there when it is asked for, or at the end."""
    counter = client.create("Counter")
    with client.pipeline():
        laters = [client.call(counter, "add", 1) for _ in range(3000)]
        assert laters[10].result() == 11
        more = [client.call(counter, "add", 1) for _ in range(10)]
    assert [later.result() for later in (*laters, *more)] == list(range(1, 3011))


def test_a_pipeline_s_error_is_raised_at_its_end(client: Client) -> None:
    """If nobody has asked for it; the calls behind it are run."""
    counter = client.create("Counter")
    with pytest.raises(ValueError, match="v"):
        with client.pipeline():
            client.call(counter, "fail", "value")
            client.call(counter, "add", 1)
    assert client.call(counter, "add", 0) == 1


def test_another_key_is_refused_by_both_sides(served: Served) -> None:
    """A client with another key, with none, and one whose server has none."""
    for key in (b"another", None):
        with pytest.raises(AuthenticationFailed):
            Client(served.address, authkey=key)


def test_a_server_that_cannot_show_the_key_is_told_nothing(tmp_path: Path) -> None:
    """A client with a key wants the proof from the server too."""
    with Served(str(tmp_path / "s"), authkey=None) as served:
        with pytest.raises(AuthenticationFailed, match="nothing was told"):
            Client(served.address, authkey=KEY)
        with Client(served.address) as client:
            assert client.call(client.find("shared"), "add", 1) == 1


def test_plain_tcp_beyond_this_machine_is_refused() -> None:
    """At both sides, before anything is sent, unless it is written out."""
    with pytest.raises(InsecureAddress, match="insecure=True"):
        Client(("192.0.2.1", 1), authkey=KEY)
    with pytest.raises(InsecureAddress):
        Served(("0.0.0.0", 0)).__enter__()
    with pytest.raises(InsecureAddress, match="authkey="):
        Served(("127.0.0.1", 0), authkey=None).__enter__()
    given: Any = socket.create_server(("127.0.0.1", 0))
    with given, pytest.raises(InsecureAddress, match="authkey="):
        Served(given, authkey=None).__enter__()


def test_limits_are_told_to_the_client_which_keeps_them() -> None:
    """Threads with more calls than are allowed at once wait for their turn; objects are counted."""
    bounds = Bounds(calls=4, call_bytes=1_000_000, objects=3)
    with Served(("127.0.0.1", 0), bounds=bounds) as served:
        with Client(served.address, authkey=KEY) as client:
            held = [client.create("Counter") for _ in range(3)]
            with pytest.raises(LimitReached):
                client.create("Counter")
            with pytest.raises(MessageTooLarge):
                client.call(held[0], "echo", b"x" * 1_000_001)
            threads = [
                threading.Thread(target=client.call, args=(held[0], "echo", b"x" * 200_000))
                for _ in range(20)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(BOUND_S)
                assert not thread.is_alive()
            assert served.statistics()["sessions"] == 1


def test_a_full_server_says_so() -> None:
    """Who comes beyond the limit is told why."""
    with Served(("127.0.0.1", 0), bounds=Bounds(connections=1)) as served:
        with Client(served.address, authkey=KEY):
            with pytest.raises((LimitReached, ConnectionRefusedByServer), match="connections"):
                Client(served.address, authkey=KEY)


def test_a_closed_client_says_so(client: Client) -> None:
    """And closing it again does nothing."""
    counter = client.create("Counter")
    client.close()
    client.close()
    with pytest.raises(ServerGone, match="closed"):
        client.call(counter, "add", 1)


def test_who_goes_on_after_the_end_is_told_each_time_anew(client: Client) -> None:
    """An error that is raised again and again would have a longer traceback each time."""
    counter = client.create("Counter")
    client.close()
    lengths = []
    for _ in range(3):
        with pytest.raises(ServerGone) as caught:
            client.call(counter, "add", 1)
        lengths.append(len(caught.traceback))
    assert len(set(lengths)) == 1
