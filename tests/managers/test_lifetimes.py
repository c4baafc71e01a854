"""A referent lives as long as somebody has it, and no longer (P5)."""

from __future__ import annotations

import copy
import os
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.managers.lending.handle import Gone
from interlock.serialize import dumps, loads
from interlock.testing.trial import Trial
from tests.left_behind import names_in_shared_memory
from tests.managers import work

KINDS = ("dict", "list", "Lock", "Queue", "Event", "Namespace", "Condition")


def test_what_nobody_has_is_gone(manager: Any) -> None:
    """P5: each kind, with its last proxy; descriptors of this process too."""
    made = [getattr(manager, kind)() for kind in KINDS]
    assert work.number_of(manager) == len(KINDS)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        del made[:]
        work.wait_for_number(manager, 0)
        made.extend(getattr(manager, kind)() for kind in KINDS)
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_server_has_as_many_descriptors_as_before(manager: Any) -> None:
    """P5: what was let go is closed there too."""
    server: Any = vars(manager)["_process"]
    folder = f"/proc/{server.pid}/fd"
    keep = manager.dict()
    work.wait_for_number(manager, 1)
    before = len(os.listdir(folder))
    for _ in range(5):
        made = [manager.list([keep]), manager.dict(a=keep), manager.Queue()]
        del made
        work.wait_for_number(manager, 1)
    work.wait_until(lambda: len(os.listdir(folder)) <= before)


def test_a_killed_holder_holds_nothing(context: BaseContext, manager: Any) -> None:
    """P5: by SIGKILL, of a process that had the last proxies."""
    ready = context.Queue()
    made = [getattr(manager, kind)() for kind in KINDS]
    holder = context.Process(target=work.hold_until_killed, args=(made, ready))
    holder.start()
    assert ready.get(timeout=work.BOUND_S) == len(KINDS)
    del made
    assert work.number_of(manager) == len(KINDS)
    holder.kill()
    holder.join()
    work.wait_for_number(manager, 0)


def test_nothing_is_left_in_dev_shm(manager: Any) -> None:
    """P5: there is nothing that has a name."""
    before = names_in_shared_memory()
    kept = [getattr(manager, kind)() for kind in KINDS]
    assert names_in_shared_memory() <= before
    assert len(kept) == len(KINDS)


def test_a_container_keeps_what_is_in_it(manager: Any) -> None:
    """P5: until it is taken out or written over, or the container goes."""
    outer = manager.dict()
    outer["inner"] = manager.list([1])
    outer["inner"].append(manager.dict(deep=1))
    assert work.number_of(manager) == 3
    assert outer["inner"][1]["deep"] == 1
    outer["inner"].pop()
    work.wait_for_number(manager, 2)
    outer["inner"] = None
    work.wait_for_number(manager, 1)
    outer["again"] = [{"a": manager.Queue()}]
    assert work.number_of(manager) == 2
    del outer
    work.wait_for_number(manager, 0)


def test_a_cycle_goes_when_nobody_has_it(manager: Any) -> None:
    """P5: containers that have each other, or themselves."""
    one, two = manager.list(), manager.dict()
    one.append(two)
    two["one"] = one
    two["self"] = two
    del two
    assert work.number_of(manager) == 2
    assert one[0]["one"][0]["self"]["one"][0].keys() == ["one", "self"]
    del one
    work.wait_for_number(manager, 0)


def test_a_message_in_a_queue_keeps_what_is_in_it(trial: Trial, manager: Any) -> None:
    """P2, P5: though who put it is gone; and lets it go when it was received."""
    queue, shared = manager.Queue(), manager.dict(a=1)
    trial.child(work.put_and_end, queue, [shared, "text"]).result()
    del shared
    assert work.number_of(manager) == 2
    got = queue.get(timeout=work.BOUND_S)
    assert (got[0]["a"], got[1]) == (1, "text")
    del got
    work.wait_for_number(manager, 1)
    queue.put(manager.list())
    del queue
    work.wait_for_number(manager, 0)


def test_a_put_that_fails_keeps_nothing(manager: Any) -> None:
    """P5: there was no message."""
    queue = manager.Queue(1)
    queue.put(None)
    with pytest.raises(interlock.Full):
        queue.put(manager.list(), timeout=0.01)
    work.wait_for_number(manager, 1)


def test_a_proxy_of_another_manager_in_a_container(context: BaseContext) -> None:
    """P5: is a reference to what lives as long as its holder there."""
    with work.started(context) as first, work.started(context) as second:
        inner = first.list([1])
        outer = second.dict(inner=inner)
        outer["inner"].append(2)
        assert inner.copy() == [1, 2]


def test_who_comes_too_late_is_told(manager: Any) -> None:
    """P6: the bytes outlived what they name."""
    outer = manager.list([manager.dict(a=1)])
    data = outer._map._get(outer._map._snapshot(False)[-1])
    assert data is not None
    outer.clear()
    work.wait_for_number(manager, 1)
    with pytest.raises(Gone, match=r"dict of .* is gone"):
        loads(data, trust="process")


def test_a_proxy_comes_home_as_another_of_the_same(manager: Any) -> None:
    """P1: pickled and read again in one process; a deep copy is the value."""
    shared = manager.dict(a=[1])
    again = loads(dumps(shared, trust="process"), trust="process")
    again["b"] = 2
    assert shared.copy() == {"a": [1], "b": 2} == copy.deepcopy(shared)
    assert type(copy.deepcopy(shared)) is dict
    del again, shared
    work.wait_for_number(manager, 0)
