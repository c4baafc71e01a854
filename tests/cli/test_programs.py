"""`interlock serve MODULE:NAME --permissions FILE`: a program's own types, and who may use what."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock.errors import AccessDenied, NoSuchObject, ServerGone
from interlock.managers import SyncManager
from interlock.managers.keys import Authority
from interlock.managers.named import Connection
from tests.cli.test_serve import serve
from tests.managers.named.processes import BOUND_S, KEY, ServerProcess
from tests.managers.waiting import until

PROGRAM = """
import queue
import threading
from interlock.managers import SyncManager

class Counter:
    def __init__(self) -> None:
        self.n = self.stays = 0
    def stay(self, seconds: float) -> None:
        self.stays += 1
        threading.Event().wait(seconds)
    def staying(self) -> int:
        return self.stays
    def add(self, n: int) -> int:
        self.n += n
        return self.n

jobs = queue.Queue()

class Manager(SyncManager):
    pass

Manager.register("Counter", Counter)
Manager.register("get_jobs", callable=lambda: jobs)
manager = Manager(
    ("127.0.0.1", 0), permissions={"key": {"Counter": "*", "dict": "*", "list": "*", "lock": "*"}}
)
"""
PERMISSIONS = """
[worker]
jobs = ["get"]
results = ["put", "read"]
state = ["read"]
lock = ["acquire"]
Counter = ["create", "add"]

[boss]
"*" = "*"

["*"]
state = ["read"]
"""


class Manager(SyncManager):
    """A client's."""


Manager.register("Counter")
Manager.register("get_jobs")


def clients(address: str) -> Any:
    host, port = address.removeprefix("interlock://").split(":")
    manager: Any = Manager((host, int(port)), authkey=KEY)
    manager.connect()
    return manager


@pytest.mark.parametrize("name", ["Manager", "manager"])
def test_a_manager_of_a_program_is_served_too(tmp_path: Path, name: str) -> None:
    """Its class, or one that was made: with the dicts and lists of both, each its own."""
    (tmp_path / "shared.py").write_text(PROGRAM)
    with ServerProcess(tmp_path, f"shared:{name}") as server, server.connect() as connection:
        manager = clients(server.address)
        counter, own, other = manager.Counter(), manager.dict(a=1), connection.dict("d")
        other["a"] = 2
        items = manager.list([own])
        assert counter.add(3) == 3 and dict(own) == {"a": 1} and other.copy() == {"a": 2}
        assert dict(items[0]) == {"a": 1}
        if name == "Manager":
            manager.get_jobs().put("job")
            assert manager.get_jobs().get() == "job"
        else:  # it was made with permissions
            with pytest.raises(AccessDenied):
                manager.get_jobs()
            with pytest.raises(AccessDenied):
                connection.queue("q")


def test_numbers_are_given_once_whatever_is_kept(tmp_path: Path) -> None:
    """After a restart: named objects are themselves, what clients had made is unknown, and new."""
    (tmp_path / "shared.py").write_text(PROGRAM)
    with ServerProcess(tmp_path, "shared:Manager") as server, server.connect() as connection:
        manager = clients(server.address)
        lock, shared = connection.lock("x"), connection.dict("d")
        lock.acquire()
        made = [manager.Counter() for _ in range(3)]
        lists = [manager.list([number]) for number in range(3)]
        for _ in range(2):
            server.stop(signal.SIGKILL)
            server.start()
            for gone in (*made, *lists):
                with pytest.raises(NoSuchObject):
                    gone.add(1) if gone in made else len(gone)
            again = [manager.Counter() for _ in range(3)]
            assert [each.add(number) for number, each in enumerate(again)] == [0, 1, 2]
            shared.under(lock)["a"] = 1
            connection.queue("made later").put(1)
            made += again
            lists.append(manager.list())
        assert connection.names() == {"x": "lock", "d": "dict", "made later": "queue"}
        with server.connect() as other:
            assert other.dict("d").copy() == {"a": 1}
            assert other.queue("made later").get_many(5) == [1, 1]


@pytest.mark.parametrize("how_often", [1, 2])
def test_a_call_that_does_not_end_does_not_hold_up_the_end(tmp_path: Path, how_often: int) -> None:
    """In a thread, or awaited: once told, ten seconds; told again, at once. Calls in time end."""
    (tmp_path / "shared.py").write_text(PROGRAM)
    (tmp_path / "short.py").write_text(
        "import interlock.managers.served.service as service\n"
        "from shared import *\n"
        f"service.DRAIN_S = {0.3 if how_often == 1 else BOUND_S}\n"
    )
    with ServerProcess(tmp_path, "short:Manager") as server:
        manager = clients(server.address)
        counter, event = manager.Counter(), manager.Event()

        def call(method: Any, *args: Any) -> None:
            with pytest.raises(ServerGone):
                method(*args)

        threads = [
            threading.Thread(target=call, args=(counter.stay, BOUND_S)),
            threading.Thread(target=call, args=(event.wait,)),
        ]
        for thread in threads:
            thread.start()
        until(lambda: counter.staying() == 1)
        for _ in range(how_often):
            os.kill(server.pid, signal.SIGTERM)
            until(lambda: "stopping" in [line["message"] for line in server.told()])
        assert server.wait() == 0
        said = [line["message"] for line in server.told()]
        assert said.count("stopping") == 1 and said[-1].startswith("a call runs in a thread")
        for thread in threads:
            thread.join(BOUND_S)


def test_names_in_certificates_say_what_a_client_may(tmp_path: Path) -> None:
    """By the words of the guide; what is not in the file is refused, and nothing is run."""
    (tmp_path / "shared.py").write_text(PROGRAM)
    (tmp_path / "who").write_text(PERMISSIONS)
    authority = Authority.create(tmp_path / "keys")
    authority.issue("server", ["localhost"])

    def connect(name: str) -> Connection:
        authority.issue(name)
        address = server.address.replace("127.0.0.1", "localhost")
        return interlock.connect(address, tls=tmp_path / "keys", name=name, authkey=KEY)

    options = ("--tls", str(tmp_path / "keys"), "--permissions", str(tmp_path / "who"))
    with (
        ServerProcess(tmp_path, "shared:Manager", *options) as server,
        connect("boss") as boss,
        connect("worker") as worker,
        connect("visitor") as visitor,
    ):
        boss.queue("jobs").put_many([1, 2])
        boss.dict("state")["a"] = 1
        jobs, state = worker.queue("jobs"), worker.dict("state")
        assert jobs.get() == 1
        with jobs.lease() as delivery:
            worker.queue("results").put(delivery.message)
        with worker.lock("any") as token:
            assert token == 1
        assert state.copy() == visitor.dict("state").copy() == {"a": 1}
        assert worker.client.call(worker.client.create("Counter"), "add", 2) == 2
        denied: list[Any] = [
            lambda: jobs.put(3),
            lambda: jobs.qsize(),
            lambda: jobs.shutdown(),
            lambda: worker.queue("results").get(block=False),
            lambda: state.update(a=2),
            lambda: state.pop("a"),
            lambda: worker.remove("jobs"),
            lambda: worker.remove("any"),
            lambda: worker.dict("other"),
            lambda: worker.client.create("get_jobs"),
            lambda: visitor.queue("jobs"),
            lambda: visitor.lock("any"),
            lambda: visitor.client.create("Counter"),
        ]
        for each in denied:
            with pytest.raises(AccessDenied):
                each()
        assert worker.names() == {
            "jobs": "queue", "state": "dict", "any": "lock", "results": "queue"
        }  # fmt: skip
        assert visitor.names() == {"state": "dict"}
        assert boss.queue("results").get() == 2 and boss.dict("state").copy() == {"a": 1}
        assert boss.remove("jobs")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("worker = 1\n", "worker stands in no table"),
        ("[worker]\njobs = 'get'\n", "neither a list of words nor"),
        ("[worker]\njobs = [1]\n", "neither a list of words nor"),
        ("[worker\n", "is no TOML"),
        ("\udcff", "is no TOML"),
        (None, "cannot be read"),
    ],
)
def test_permissions_that_say_nothing_are_refused(
    tmp_path: Path, text: str | None, said: str
) -> None:
    """In one sentence, with what they look like; nothing is served."""
    if text is not None:
        (tmp_path / "who").write_bytes(text.encode(errors="surrogateescape"))
    done = serve("--insecure", "--permissions", "who", cwd=tmp_path)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert said in done.stderr and "[worker-1]" in done.stderr
