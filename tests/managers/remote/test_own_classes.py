"""A program's own classes by TCP: checked, awaited, gathered, and nothing else reached."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Iterator
from multiprocessing import managers as standard
from typing import Any

import numpy as np
import pytest

from interlock.errors import AccessDenied, BadArgument, NotExposed
from interlock.managers import BaseManager, awaited, pipeline
from interlock.managers.bounds import Bounds
from interlock.managers.references import Reference
from interlock.managers.remote.proxies import proxy_of
from tests.managers.remote.programs import BOUND_S, KEY, Box, Counter, Hub, context_of


@pytest.fixture
def hub(method: str) -> Iterator[Hub]:
    with Hub(("127.0.0.1", 0), KEY, ctx=context_of(method)) as started:
        yield started


def test_a_class_is_served_with_its_methods(hub: Hub) -> None:
    counter = hub.counter(5)
    assert counter.add(2) == 7
    assert hub.make(Box).get() == 3
    assert counter.plus(hub.counter(10)) == 17  # a proxy as an argument is the object there
    assert type(counter) is not Counter and isinstance(counter, standard.BaseProxy)
    large = np.arange(300_000)
    assert np.array_equal(counter.echo(large), large)


def test_arguments_are_checked_at_the_server_by_what_they_declare(hub: Hub) -> None:
    """P6: the error says where the bad value is."""
    counter = hub.counter()
    with pytest.raises(BadArgument) as wrong:
        counter.rows({"a": [1], "b": [2, "3"]})  # type: ignore[list-item]
    assert wrong.value.path == "$.rows['b'][1]"
    with pytest.raises(BadArgument):
        hub.counter("5")  # type: ignore[arg-type]
    with pytest.raises(BadArgument, match="missing"):
        counter.add()  # type: ignore[call-arg]


def test_errors_arrive_as_themselves_with_the_servers_traceback(hub: Hub) -> None:
    """P6: unless it hides it."""
    with pytest.raises(AccessDenied, match="for a test") as raised:
        hub.counter().fail()
    assert "raise AccessDenied" not in str(raised.value)
    with Hub(("127.0.0.1", 0), KEY, hide_tracebacks=True) as silent:
        with pytest.raises(AccessDenied) as told:
            silent.counter().fail()
    assert told.value.__cause__ is None


@pytest.mark.parametrize("name", ["_private", "__class__", "__init__", "__getattribute__", "value"])
def test_nothing_else_can_be_called(hub: Hub, name: str) -> None:
    """P4: names are looked up among those that were registered."""
    counter: standard.BaseProxy = hub.counter()  # type: ignore[assignment]
    with pytest.raises(NotExposed):
        counter._callmethod(name)


def test_calls_are_gathered_and_awaited(hub: Hub) -> None:
    """P10."""
    counter = hub.counter()
    with pipeline(counter):
        results = [counter.add(1) for _ in range(100)]
    assert [later.result() for later in results] == list(range(1, 101))  # type: ignore[attr-defined]

    async def program() -> list[object]:
        both = await asyncio.gather(awaited(counter.add, 1), awaited(counter.soon))
        return [*both, await counter.aio.add(1)]  # type: ignore[attr-defined]

    assert asyncio.run(program()) == [101, "soon", 102]


def test_a_manager_on_one_machine_has_the_same_classes() -> None:
    """P1: without an address it is as `multiprocessing`'s."""
    with Hub() as hub:
        assert hub.counter(3).add(4) == 7
        assert hub.make(Box).get() == 3
        with pytest.raises(TypeError, match="by TCP"):
            pipeline(hub.counter())


class Exposing(BaseManager):
    pass


Exposing.register("Counter", Counter, exposed=("add", "echo"))


def test_only_what_is_exposed_is_there() -> None:
    with Exposing(("127.0.0.1", 0), KEY) as manager:
        counter = manager.Counter(1)  # type: ignore[attr-defined]
        assert counter.add(1) == 2
        assert not hasattr(counter, "rows")
        with pytest.raises(NotExposed):
            counter._callmethod("rows", ({},))


class Awkward:
    """Its methods have the names of what proxies have."""

    def aio(self) -> str:
        return "aio"

    def pipeline(self) -> str:
        return "pipeline"


class Module(BaseManager):
    pass


Module.register("operator", lambda: __import__("operator"), exposed=("add", "neg"))
Module.register("numbers", lambda: iter([1, 2]), proxytype=standard.IteratorProxy)  # type: ignore[attr-defined]
Module.register("Awkward", Awkward)


def test_what_a_function_returns_has_its_own_methods() -> None:
    """P1: modules and iterators, as in `multiprocessing`'s documentation."""
    with Module(("127.0.0.1", 0), KEY) as manager:
        manager_: Any = manager
        assert (manager_.operator().add(1, 2), manager_.operator().neg(3)) == (3, -3)
        assert list(manager_.numbers()) == [1, 2]
        awkward = manager_.Awkward()
        assert (awkward.aio(), awkward.pipeline()) == ("aio", "pipeline")
        assert awkward._exposed_ == ("aio", "pipeline")  # as the documentation's example looks
        with pytest.raises(NotExposed):
            manager_.operator()._callmethod("mul", (1, 2))


class Jobs(queue.PriorityQueue[int]):
    """A program's own kind of queue."""

    def urgent(self) -> None:
        self.put_nowait(0)


class Pausing(queue.Queue[int]):
    """Its `get` is another, and waits in a thread."""

    def get(self, block: bool = True, timeout: float | None = None) -> int:
        return -super().get(block, timeout)


class Queues(BaseManager):
    pass


Queues.register("Jobs", Jobs)
Queues.register("Pausing", Pausing)


def test_who_waits_at_an_own_kind_of_queue_has_no_thread_either() -> None:
    """Or whoever would put something in would wait behind all that want it."""
    bounds = Bounds(threads=2, threads_a_client=2)
    with Queues(("127.0.0.1", 0), KEY, bounds=bounds) as manager:
        jobs, got = manager.Jobs(), list[int]()  # type: ignore[attr-defined]
        threads = [
            threading.Thread(target=lambda: got.append(jobs.get(timeout=BOUND_S)), daemon=True)
            for _ in range(6)
        ]
        for thread in threads:
            thread.start()
        for number in range(1, 6):
            jobs.put(number)
        jobs.urgent()
        for thread in threads:
            thread.join(BOUND_S)
        assert sorted(got) == [0, 1, 2, 3, 4, 5]
        pausing = manager.Pausing()  # type: ignore[attr-defined]
        pausing.put(3)
        assert pausing.get() == -3


def test_a_server_does_not_say_what_python_itself_calls_of_a_proxy(hub: Hub) -> None:
    """P4: names that no server of ours exposes make no method here."""
    mine: Any = hub.counter()
    private = ("__reduce__", "__init__", "__class__", "__del__", "_callmethod", "__getattribute__")
    told = Reference(b"s" * 16, 1, "evil", (*private, "add", "__len__"), object())
    made = proxy_of(told, mine._line)
    assert {*private, "add", "__len__"} & vars(type(made)).keys() == {"add", "__len__"}
    assert made._callmethod.__func__ is type(mine)._callmethod
