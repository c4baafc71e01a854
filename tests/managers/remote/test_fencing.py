"""Tokens of managed locks, and objects that refuse older ones."""

from __future__ import annotations

from typing import Any

import pytest

from interlock.errors import StaleToken
from interlock.managers import under


def test_tokens_rise_each_time_that_a_lock_is_given_out(manager: Any) -> None:
    lock, tokens = manager.RLock(), list[Any]()
    for _ in range(3):
        with lock:
            tokens.append(lock.token)
            with lock:  # the same owner, the same token
                assert lock.token == tokens[-1]
    assert tokens == sorted(set(tokens)) and int(tokens[0]) == tokens[0].number
    with pytest.raises(RuntimeError, match="for who has it"):
        lock.token  # noqa: B018


def test_an_object_refuses_what_comes_under_an_older_token(manager: Any) -> None:
    """Who has lost his lock does not know it; what he still sends is not run."""
    lock, shared = manager.Lock(), manager.dict()
    with pytest.raises(RuntimeError, match="for who has it"):
        under(lock, shared)
    with lock:
        old = under(lock, shared)
        old["by"] = "the first"
    with lock:
        new = shared.under(lock.token)
        new["by"] = "the second"
    with pytest.raises(StaleToken, match="another's by now"):
        old["by"] = "the first, late"
    with pytest.raises(StaleToken):
        old.copy()
    assert shared["by"] == new["by"] == "the second"


def test_locks_do_not_fence_each_other_and_waiting_methods_are_fenced(manager: Any) -> None:
    one, other, queue = manager.Lock(), manager.Lock(), manager.Queue()
    with one, other:
        by_one = under(one.token, queue)
        under(other.token, queue).put(1)
        by_one.put(2)
    with one:
        under(one.token, queue).put(3)
        with pytest.raises(StaleToken):
            by_one.get()
    assert [queue.get() for _ in range(3)] == [1, 2, 3]


def test_what_is_fenced_is_kept_by_its_fenced_proxy(manager: Any) -> None:
    lock = manager.Lock()
    with lock:
        shared = under(lock.token, manager.dict(a=1))
    assert shared["a"] == 1
