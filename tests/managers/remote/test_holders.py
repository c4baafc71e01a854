"""What is in a server by TCP lives as long as it has a holder, wherever that is."""

from __future__ import annotations

import os
import pickle
import signal
from typing import Any

import pytest

from interlock.errors import NoSuchObject
from interlock.managers import SyncManager
from tests.managers.remote.programs import BOUND_S, context_of, lock_and_wait, store_in, use_later
from tests.managers.waiting import until


def test_an_object_goes_with_its_last_proxy(manager: Any) -> None:
    one, other = manager.dict(), manager.list()
    assert manager._number_of_objects() == 2
    same = pickle.loads(pickle.dumps(one))  # another proxy of it, by a ticket
    assert same == one and same is not one
    del one
    same["still"] = "there"
    assert "refcount" in manager._debug_info()
    del same, other
    until(lambda: manager._number_of_objects() == 0)


def test_a_container_holds_what_is_in_it(manager: Any) -> None:
    """python/cpython#119937: nested, and read back as a proxy."""
    outer = manager.dict()
    outer["inner"] = manager.list([manager.Value("i", 5)])
    outer["inner"].append("more")
    assert manager._number_of_objects() == 3
    assert outer["inner"][0].value == 5 and outer["inner"][1] == "more"
    assert str(outer) == "{'inner': [Value('i', 5), 'more']}"
    inner = outer.pop("inner")
    assert len(inner) == 2
    del inner
    until(lambda: manager._number_of_objects() == 1)


def test_a_queue_holds_what_is_in_its_messages(manager: Any) -> None:
    queue = manager.Queue()
    queue.put({"proxy": manager.dict(a=1)})
    assert manager._number_of_objects() == 2
    assert queue.get()["proxy"]["a"] == 1


def test_a_child_has_what_its_parent_drops_at_once(manager: Any, method: str) -> None:
    """Under fork it adopts what the parent had, although the parent has given it back."""
    context = context_of(method)
    outer, gate = manager.dict(), context.Queue()
    outer["shared"] = manager.dict()
    child = context.Process(target=use_later, args=(outer["shared"], gate))
    child.start()
    del outer["shared"]
    manager._number_of_objects()  # what was dropped is given back by now
    gate.put("go")
    child.join(BOUND_S)
    assert child.exitcode == 0
    until(lambda: manager._number_of_objects() == 1)


def test_a_child_of_os_fork_uses_what_its_parent_has(manager: Any) -> None:
    """No machinery of `multiprocessing` is there to prepare it."""
    shared = manager.dict()
    pid = os.fork()
    if not pid:
        status = 1
        try:
            shared["child"] = os.getpid()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    assert shared["child"] == pid
    shared["parent"] = "goes on"


def test_a_proxy_from_another_process_is_kept_by_a_container(manager: Any, method: str) -> None:
    outer = manager.dict()
    child = context_of(method).Process(target=store_in, args=(outer, "theirs"))
    child.start()
    child.join(BOUND_S)
    assert outer["theirs"]["made"] == child.pid


def test_a_killed_client_holds_nothing_when_its_grace_has_ended(manager: Any, method: str) -> None:
    """P3: its lock goes on, with a higher token, and its references are let go."""
    context = context_of(method)
    lock, ready = manager.Lock(), manager.Queue()
    child = context.Process(target=lock_and_wait, args=(lock, ready))
    child.start()
    number = ready.get(timeout=BOUND_S)
    assert not lock.acquire(False)
    os.kill(child.pid, signal.SIGKILL)
    child.join(BOUND_S)
    assert lock.acquire(timeout=BOUND_S)
    assert lock.token.number > number
    lock.release()


def test_shared_memory_does_not_take_what_it_cannot_keep(manager: Any) -> None:
    """P6: said where it is stored, not when it is looked for."""
    with SyncManager() as local:
        shared = local.dict()
        with pytest.raises(TypeError, match="of its own manager"):
            shared["remote"] = manager.dict()
        queue = local.Queue()
        queue.put(manager.dict(a=1))  # a message is another thing: it is got once
        assert queue.get()["a"] == 1


def test_a_ticket_is_used_once(manager: Any) -> None:
    shared = manager.dict()
    data = pickle.dumps(shared)
    pickle.loads(data)
    with pytest.raises(NoSuchObject, match="used up"):
        pickle.loads(data)
