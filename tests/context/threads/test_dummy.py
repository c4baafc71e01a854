"""interlock.dummy: multiprocessing.dummy's interface, and the thread context's beyond it."""

from __future__ import annotations

import multiprocessing.dummy
from typing import Any

import pytest

import interlock
from interlock import dummy

context: Any = interlock.get_context("thread")


def test_processes_and_queues_are_the_context_s() -> None:
    """P8: one implementation, whatever name it is asked for by."""
    assert dummy.Process is context.Process
    assert issubclass(dummy.Process, multiprocessing.dummy.DummyProcess)
    assert dummy.active_children is context.active_children
    queue: Any = dummy.Queue(2)
    queue.put(1)
    with queue.lease() as delivery:
        assert delivery.message == 1
    queue.join()


def test_what_multiprocessing_has_not_is_the_context_s() -> None:
    """P8: by name; what neither has is an error."""
    assert type(vars(dummy)["__getattr__"]("SimpleQueue")()) is type(context.SimpleQueue())
    with pytest.raises(AttributeError, match="nonsense"):
        dummy.nonsense  # noqa: B018
