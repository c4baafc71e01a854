"""torch's tensors on the CPU travel by their memory, and otherwise as torch has it (P7)."""

from __future__ import annotations

from typing import Any

import pytest
import torch

import interlock
from interlock.serialize import dumps
from interlock.testing.trial import Trial

GRID = torch.arange(60_000.0).reshape(200, 300)


def plain() -> list[Any]:
    image = torch.arange(9600.0).reshape(2, 3, 40, 40)
    return [
        GRID,
        GRID.T,
        GRID[::2],
        GRID[10:20],
        GRID.expand(3, 200, 300),
        torch.zeros(0, 5),
        torch.tensor(7.5),
        torch.arange(10),
        GRID.bfloat16(),
        GRID.to(torch.complex64),
        GRID > 5,
        image.contiguous(memory_format=torch.channels_last),
        GRID.clone().requires_grad_(),
        torch.nn.Parameter(GRID.clone()),
    ]


def must_be(got: Any, sent: Any) -> None:
    assert (type(got), got.dtype, got.shape) == (type(sent), sent.dtype, sent.shape)
    assert got.requires_grad == sent.requires_grad
    assert torch.equal(got.detach(), sent.detach())


def returned(queue: Any, answers: Any) -> None:
    for got in iter(queue.get, None):
        answers.put(got)


def test_tensors_arrive_equal_in_memory_of_their_own() -> None:
    """P7: of each type and layout; dense ones keep their order, and can be written to."""
    queue = interlock.SimpleQueue()
    for sent in plain():
        queue.put(sent)
        got = queue.get()
        must_be(got, sent)
        if sent.is_contiguous() or sent is GRID.T:
            assert got.stride() == sent.stride()
        assert not got.is_shared()
        before = sent.detach().clone()
        got.detach().zero_()
        assert torch.equal(sent.detach(), before)


def test_tensors_cross_to_processes_and_back(trial: Trial) -> None:
    """P7: under every start method."""
    queue, answers = trial.make(), trial.make()
    child = trial.child(returned, queue, answers)
    for sent in plain():
        queue.put(sent)
        must_be(answers.get(timeout=60), sent)
    queue.put(None)
    child.result()


def test_only_its_own_numbers_travel_and_once() -> None:
    """P7: of a view, not the whole storage; of a tensor met twice, one copy."""
    buffers: list[Any] = []
    view = GRID[10:30]
    dumps([view, view], trust="process", buffers=buffers)
    assert [memoryview(each).nbytes for each in buffers] == [20 * 300 * 4]


def test_a_model_and_its_state_arrive() -> None:
    """P4, P7: parameters that are tied stay tied."""
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.Linear(64, 64))
    model[1].weight = model[0].weight
    queue = interlock.SimpleQueue()
    queue.put(model)
    got = queue.get()
    assert got[0].weight is got[1].weight
    assert torch.equal(got(torch.ones(64)), model(torch.ones(64)))
    queue.put(model.state_dict())
    assert torch.equal(queue.get()["0.weight"], model[0].weight)


def test_a_shared_tensor_stays_shared() -> None:
    """P4: as torch has it; what one side writes, the other sees."""
    shared = torch.zeros(5000).share_memory_()
    queue = interlock.SimpleQueue()
    queue.put(shared)
    got = queue.get()
    got[7] = 1.0
    assert shared[7] == 1.0


def test_what_torch_refuses_is_refused() -> None:
    """P6: a tensor within a graph of gradients, in torch's words."""
    with pytest.raises(RuntimeError, match="non-leaf tensor"):
        dumps([GRID.clone().requires_grad_() * 2], trust="process")
