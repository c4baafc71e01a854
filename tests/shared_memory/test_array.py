"""SharedArray: a numpy array that processes share."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import numpy
import pytest

import interlock
from interlock import SharedArray
from interlock.context import BaseContext
from interlock.testing.trial import Trial

RECORD = numpy.dtype([("id", "i4"), ("at", "f8", (2,)), ("name", "S5")])


@pytest.mark.parametrize("dtype", ["f8", "i1", "?", "c16", "U7", "M8[s]", ">i4", RECORD], ids=str)
@pytest.mark.parametrize("shape", [5, (3, 4), (0,), (2, 0, 3), ()], ids=str)
def test_it_is_an_array_of_zeros(shape: Any, dtype: Any) -> None:
    """Of any shape, and any dtype that is not of objects."""
    shared = SharedArray(shape, dtype)
    expected = numpy.zeros(shape, dtype)
    assert shared.shape == expected.shape and shared.dtype == expected.dtype
    assert (numpy.asarray(shared) == expected).all()
    assert (shared.nbytes, shared.ndim, shared.size) == (
        expected.nbytes,
        expected.ndim,
        expected.size,
    )


def double(shared: SharedArray, wire: Any) -> None:
    wire.recv()
    with shared.lock:
        shared *= 2
        shared[0, 0] = -1
    wire.send(shared.sum())
    wire.recv()


def test_it_is_the_same_memory_in_another_process(trial: Trial, context: BaseContext) -> None:
    """Passed as an argument; changed there, seen here; and longer here, longer there."""
    shared = context.SharedArray((4, 3))
    shared[...] = 1
    ours, theirs = context.Pipe()
    trial.child(double, shared, theirs)
    ours.send("go")
    assert ours.recv() == 24 - 3
    assert shared[0].tolist() == [-1, 2, 2]
    ours.send("done")


def grown(wire: Any) -> None:
    shared = wire.recv()
    wire.send(shared.shape)
    assert wire.recv() == "look again"
    wire.send((shared.shape, float(shared.sum()), float(shared[99, 1])))
    shared.resize(2)
    wire.send("shorter")


def test_all_see_it_resized(trial: Trial) -> None:
    """Sent through a pipe, then resized on either side; arrays taken before stay as they were."""
    shared = SharedArray((10, 2), "i8")
    shared[...] = 1
    before = shared.array
    ours, theirs = interlock.Pipe()
    trial.child(grown, theirs)
    ours.send(shared)
    assert ours.recv() == (10, 2)
    shared.resize(100_000)
    shared[99] = 5
    ours.send("look again")
    assert ours.recv() == ((100_000, 2), 30.0, 5.0)
    assert ours.recv() == "shorter"
    assert shared.tolist() == [[1, 1], [1, 1]]
    assert before.shape == (10, 2) and before.sum() == 20
    shared.resize(5)
    assert shared.tolist() == [[1, 1], [1, 1], [0, 0], [0, 0], [0, 0]]


def test_it_does_what_an_array_does() -> None:
    """Arithmetic, numpy's functions, methods, in place."""
    shared = SharedArray.copy_of([[1.0, 2.0], [3.0, 4.0]])
    plain = numpy.array([[1.0, 2.0], [3.0, 4.0]])
    assert type(shared) is SharedArray
    assert ((shared + 1) == plain + 1).all() and ((1 - shared) == 1 - plain).all()
    assert (shared @ shared == plain @ plain).all()
    assert numpy.sqrt(shared).sum() == numpy.sqrt(plain).sum()
    assert numpy.concatenate([shared, plain]).shape == (4, 2)
    assert shared.mean() == 2.5 and shared.T[0, 1] == 3 and len(shared) == 2
    assert 4.0 in shared and [row.sum() for row in shared] == [3, 7]
    kept = shared
    shared += 10
    assert shared is kept and (shared.array == plain + 10).all()
    times: Any = numpy.multiply
    times(shared, 2, out=shared)
    assert shared[1, 1] == 28
    assert numpy.asarray(shared, "i4").dtype == "i4"
    assert numpy.array(shared, copy=True).base is None
    assert repr(SharedArray.copy_of([1, 2])) == "Sharedarray([1, 2])"
    assert bool(SharedArray.copy_of(1)) is True


def add(shared: SharedArray, times: int) -> None:
    for _ in range(times):
        with shared.lock:
            shared[0] += 1


def test_its_lock_is_one_for_all(trial: Trial) -> None:
    """No addition is lost."""
    shared = SharedArray(1, "i8")
    for child in [trial.child(add, shared, 2_000) for _ in range(3)]:
        child.result()
    assert shared[0] == 6_000


def die_with_the_lock(shared: SharedArray) -> None:
    shared.lock.acquire()
    shared[0] = 7
    signal.raise_signal(signal.SIGKILL)


def test_a_dead_holder_of_its_lock_holds_nobody_up(trial: Trial) -> None:
    """P3: the next one has it and is told; the array can be resized."""
    shared = SharedArray(3, "i8")
    trial.doomed(die_with_the_lock, shared).wait_dead()
    with pytest.warns(interlock.AbandonedLockWarning):
        shared.resize(4)
    assert shared.tolist() == [7, 0, 0, 0]


@pytest.mark.parametrize("bad", [(-1,), -5, (3, -2)])
def test_a_shape_that_cannot_be_is_refused(bad: Any) -> None:
    """And what cannot be shared."""
    with pytest.raises(ValueError, match="0 or more"):
        SharedArray(bad)
    with pytest.raises(TypeError, match="objects of this process"):
        SharedArray(3, object)
    with pytest.raises(ValueError, match="resize to -1"):
        SharedArray(3).resize(-1)
    with pytest.raises(ValueError, match="resize to 4"):
        SharedArray(()).resize(4)


def test_more_than_it_may_have_is_a_memory_error() -> None:
    """P5: by its bound or by the machine's; and it stays as it was."""
    shared = SharedArray((4, 1000), max_bytes=100_000)
    with pytest.raises(interlock.OutOfSharedMemory, match="max_bytes"):
        shared.resize(13)
    shared.resize(12)
    assert shared.shape == (12, 1000)
    with pytest.raises(MemoryError, match="max_bytes"):
        SharedArray(10, max_bytes=79)
    with pytest.raises(MemoryError, match="ask for less"):
        SharedArray(1 << 36)
    shared = SharedArray(2)
    with pytest.raises(MemoryError, match="ask for less"):
        shared.resize(1 << 36)
    assert shared.shape == (2,)


def test_its_memory_goes_with_its_last_user() -> None:
    """A thousand of them, one after the other."""
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(300):
        SharedArray(1000).resize(2000)
    assert len(os.listdir("/proc/self/fd")) <= before + 2


def test_a_damaged_length_is_told() -> None:
    """I5: nothing beyond the memory is touched."""
    shared = SharedArray(4)
    shared._header[0] = 1 << 40
    with pytest.raises(interlock.SegmentCorrupted, match="longer than its memory"):
        shared[0]


def test_numpy_is_loaded_only_for_it() -> None:
    """P9: import interlock stays light."""
    code = "import sys, interlock.shared_memory; assert 'numpy' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
