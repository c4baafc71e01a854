"""One object for many tasks, in memory once."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest

from interlock.context import BaseContext
from interlock.errors import SenderGone, SerializationError
from interlock.pool import Pool, ProcessPoolExecutor, Shared, share
from interlock.pool.shared import ALIGNMENT, _received
from tests.pool import shares, work

LONG_S = 30.0


def test_a_shared_array_is_not_copied(pool: Pool) -> None:
    """All tasks of a worker read the same pages, which nobody can write to."""
    numbers = np.arange(1 << 20)
    shared: Shared[Any] = pool.share({"numbers": numbers, "name": "all"})
    found = pool.starmap(shares.look_at, [(shared, n) for n in range(100)])
    assert [value for value, _, _ in found] == list(range(100))
    assert {name for _, name, _ in found} == {"all"}
    assert sum(private for _, _, private in found) == 0
    assert not shared.value["numbers"].flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        pool.apply(shares.write_to, (shared,))


def test_nobody_can_write_to_it() -> None:
    """Its memory is sealed, for who made it as well."""
    shared = share(np.zeros(1 << 16))
    with pytest.raises(PermissionError):
        os.pwrite(shared._fd, b"x", 0)
    with pytest.raises(PermissionError):
        os.ftruncate(shared._fd, 0)


def test_it_goes_by_every_way(context: BaseContext) -> None:
    """As an initializer's argument, within other objects, through a queue."""
    shared: Shared[list[int]] = share([1, 2, 3])
    queue = context.Queue()
    with ProcessPoolExecutor(
        1, context, initializer=shares.value_of, initargs=(shared,)
    ) as executor:
        assert executor.submit(work.state).result(LONG_S) == [1, 2, 3]
        assert executor.submit(shares.value_of, shared).result(LONG_S) == [1, 2, 3]
        queue.put(shared)
        assert executor.submit(work.value_from, queue).result(LONG_S) == [1, 2, 3]
    assert "bytes" in repr(shared)


def test_what_is_given_back_takes_no_memory(pool: Pool) -> None:
    """A worker keeps nothing whose sender has let it go, once it gets another."""
    for number in range(5):
        shared = share(np.full(1 << 18, number))
        assert pool.apply(shares.first_of, (shared,)) == number
        del shared
    kept = share(np.zeros(1 << 18))
    assert set(pool.map(shares.shared_mappings, [kept] * 8, 1)) == {1}


def test_one_that_is_gone_says_so(context: BaseContext) -> None:
    """P6: who sent it and let it go."""
    queue = context.Queue()
    shared = share([1])
    queue.put(shared)
    del shared
    with pytest.raises(SenderGone, match=str(os.getpid())):
        shares.value_of(queue.get())


def test_what_cannot_be_sent_raises_at_the_call(pool: Pool) -> None:
    """P6."""
    with pytest.raises(SerializationError):
        pool.share({"lock": work.returns_a_lock()})


def test_another_that_has_its_descriptor_is_not_taken_for_it() -> None:
    """P6: numbers of descriptors are used again."""
    gone, other = share([1]), share([2])
    with pytest.raises(SenderGone):
        _received(os.getpid(), other._fd, gone._place)


def test_its_arrays_are_aligned() -> None:
    """Whatever lies before them."""
    shared = share((np.ones(5001, "u1"), np.ones(5003, "u1"), np.zeros(1024)))
    assert [array.ctypes.data % ALIGNMENT for array in shared.value] == [0, 0, 0]
