"""The thread context keeps the public contracts of `interlock.testing`, but for those of bytes."""

from __future__ import annotations

import types
from typing import Any

import pytest

import interlock
import interlock.connection
from interlock.testing import check_executor, check_pool, check_queue, trial

# What a thread cannot: it is no process, shares its memory, and dies with the others.
NOT_THREADS = {"killed", "left_open", "memory_limit", "orphans", "processes", "share"}


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The thread context; its "children" report by its own pipes, of which each has a handle."""
    context = interlock.get_context("thread")
    monkeypatch.setattr(trial, "multiprocessing", types.SimpleNamespace(Pipe=context.Pipe))
    monkeypatch.setattr(trial, "wait", interlock.connection.wait)
    return context


def test_queues(context: Any) -> None:
    """P2: but for `put`, which takes the very object."""
    check_queue(context.JoinableQueue, context=context, without={"at_put", "killed"})


def test_pools(context: Any) -> None:
    """P6: limits, retries, priorities and cancelling among them."""
    check_pool(context.Pool, context=context, without=NOT_THREADS)


def test_executors(context: Any) -> None:
    """P6: the same."""
    check_executor(context.ProcessPoolExecutor, context=context, without=NOT_THREADS)
