"""Tensors that speak DLPack travel by their memory where pickle makes nothing of them (P7)."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import interlock
from interlock.serialize import dumps, loads
from interlock.testing.trial import Trial
from tests.serialize.tensors.producers import Elsewhere, Homeless, Pickled, Picky, Tensor

SHAPES = [(3,), (4096,), (64, 64), (0, 5), ()]


def child(queue: Any, answers: Any) -> None:
    tensor = queue.get()
    answers.put((type(tensor).__name__, tensor.shape, str(tensor.dtype), tensor.tolist()))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_tensor_arrives_equal(shape: tuple[int, ...]) -> None:
    """P7: small and large ones, without items, without dimensions, and with gaps."""
    array = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    queue = interlock.SimpleQueue()
    for sent in (Tensor(array), Picky(array), Tensor(array[::-1] if shape else array)):
        queue.put([sent, {"again": sent}])
        one, other = queue.get()
        assert one is other["again"]
        assert (type(one), one.shape, one.dtype) == (type(sent), shape, np.float32)
        assert one.tolist() == sent.tolist()


def test_a_tensor_crosses_to_processes(trial: Trial) -> None:
    """P7: of every start method."""
    queue, answers = trial.make(), trial.make()
    sent = Tensor(np.arange(10_000, dtype=np.int16))
    task = trial.child(child, queue, answers)
    queue.put(sent)
    assert answers.get(timeout=30) == ("Tensor", (10_000,), "int16", sent.tolist())
    task.result()


def test_the_memory_is_copied_once_and_is_the_receivers_own() -> None:
    """P7: out of band; what the receiver writes, nobody else sees."""
    buffers: list[Any] = []
    sent = Tensor(np.zeros(4096))
    data = dumps([sent, sent], trust="process", buffers=buffers)
    assert [memoryview(each).nbytes for each in buffers] == [8 * 4096]
    assert len(data) < 400
    kept = bytes(memoryview(buffers[0]))
    got, _ = loads(data, trust="process", buffers=[kept])
    got.fill(1.0)
    assert not any(kept)
    queue = interlock.Queue()
    queue.put(sent)
    with pytest.raises(ValueError, match="read-only"):
        queue.get().fill(1.0)
    queue.put(sent)
    got = queue.get(writable=True)
    assert got.address() != sent.address()
    got.fill(1.0)
    assert sent.tolist() == [0.0] * 4096


def test_a_hook_of_its_own_decides() -> None:
    """P4: as with pickle; DLPack is for what has none."""
    assert (
        loads(dumps(Pickled(np.zeros(3)), trust="process"), trust="process").tolist() == [1.0] * 3
    )


@pytest.mark.parametrize("guilty", [Elsewhere(np.zeros(3)), Homeless()], ids=["device", "homeless"])
def test_what_gives_no_memory_is_refused(guilty: Any) -> None:
    """P6: with the path, as anything that cannot travel."""
    queue = interlock.SimpleQueue()
    with pytest.raises(interlock.SerializationError) as refused:
        queue.put({"tensors": [Tensor(np.zeros(3)), guilty]})
    assert refused.value.path == "$['tensors'][1]"
    assert queue.empty()


def test_the_guilty_part_beside_a_tensor_is_named() -> None:
    """P6: the tensor is not blamed for a lock; and explain() tells both."""
    obj = [Tensor(np.zeros(3)), threading.Lock()]
    with pytest.raises(interlock.SerializationError) as refused:
        dumps(obj, trust="process")
    assert refused.value.path == "$[1]"
    told = interlock.explain(obj)
    assert [part.path for part in told.problems] == ["$[1]"]
    assert told.root.parts[0].hook == "__dlpack__"
