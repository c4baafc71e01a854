"""Value, Array and their kin: shared, sendable anywhere, and never under another object."""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing.trial import Trial


class Point(ctypes.Structure):
    """Two numbers, as in the documentation's example."""

    _fields_ = (("x", ctypes.c_double), ("y", ctypes.c_double))


def change(number: Any, letters: Any, point: Any, points: Any) -> None:
    with number.get_lock():
        number.value += 1
    letters.value = b"changed"
    point.x **= 2
    points[1].y = 7


def made(context: BaseContext) -> tuple[Any, ...]:
    return (
        context.Value("i", 41),
        context.Array("c", b"letters "),
        context.Value(Point, 3, 4),
        context.Array(Point, [(1, 2), (3, 4)], lock=False),
    )


def check_changed(number: Any, letters: Any, point: Any, points: Any) -> None:
    assert number.value == 42
    assert letters.value == b"changed"
    assert (point.x, point.y) == (9, 4)
    assert [(p.x, p.y) for p in points] == [(1, 2), (3, 7)]


def test_they_go_to_a_process_as_arguments(trial: Trial, context: BaseContext) -> None:
    """P1: what it changes is changed here."""
    objects = made(context)
    trial.child(change, *objects).result()
    check_changed(*objects)


def change_what_comes(wire: Any) -> None:
    change(*wire.recv())
    wire.send("done")


def test_they_go_through_a_pipe_and_a_queue(trial: Trial, context: BaseContext) -> None:
    """Not only to a process that is being started, as in the standard library."""
    objects = made(context)
    ours, theirs = context.Pipe()
    trial.child(change_what_comes, theirs)
    ours.send(objects)
    assert ours.recv() == "done"
    check_changed(*objects)
    queue = context.Queue()
    queue.put(objects)
    back = queue.get()
    back[0].value = 1
    assert objects[0].value == 1


def hold(wire: Any, array: Any) -> None:
    array[0] = 1
    wire.send("has it")
    wire.recv()
    wire.send(list(array))


@pytest.mark.parametrize("size", [1, 100, 4096])
def test_memory_of_a_child_is_given_to_no_other_object(
    trial: Trial, context: BaseContext, size: int
) -> None:
    """The parent keeps no reference: the next objects lie elsewhere."""
    ours, theirs = context.Pipe()
    array = context.RawArray("i", size)
    child = trial.child(hold, theirs, array)
    assert ours.recv() == "has it"
    del array
    gc.collect()
    others = [context.RawArray("i", [7] * size) for _ in range(50)]
    ours.send("look")
    assert ours.recv() == [1] + [0] * (size - 1)
    assert all(list(other) == [7] * size for other in others)
    child.result()


def test_a_killed_holder_s_lock_is_had(context: BaseContext) -> None:
    """P3: of a Value too; and the value is what it was."""
    number = context.Value("i", 5)
    ours, theirs = context.Pipe()
    child: Any = context.Process(target=lock_and_wait, args=(number, theirs))
    child.start()
    assert ours.recv() == "has it"
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    with pytest.warns(interlock.errors.AbandonedLockWarning), number:
        assert number.get_obj().value == 6


def lock_and_wait(number: Any, wire: Any) -> None:
    with number:
        number.value += 1
        wire.send("has it")
        wire.recv()


def test_a_ctypes_object_elsewhere_is_pickled_as_before() -> None:
    """Sharing one object of a type changes nothing for others of it."""
    shared = interlock.RawValue(ctypes.c_int, 3)
    queue = interlock.SimpleQueue()
    queue.put(ctypes.c_int(5))
    assert queue.get().value == 5
    assert pickle.loads(pickle.dumps(ctypes.c_int(6))).value == 6
    assert shared.value == 3


def test_memory_is_given_back() -> None:
    """A thousand large arrays, one after the other, and as many small ones."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(1000):
        interlock.RawArray("b", 10_000)
        interlock.RawValue("d", 1.0)
    gc.collect()
    assert len(os.listdir("/proc/self/fd")) <= before + 2


@pytest.mark.parametrize("bad", [-1, 1 << 62])
def test_a_size_that_cannot_be_is_refused(bad: int) -> None:
    """ValueError or MemoryError at the call."""
    with pytest.raises((ValueError, MemoryError, OverflowError)):
        interlock.RawArray("d", bad)


def test_what_is_no_lock_is_refused() -> None:
    """With the standard library's error, and what to do."""
    with pytest.raises(AttributeError, match="has no method 'acquire'"):
        interlock.Value("i", 0, lock="no lock")
