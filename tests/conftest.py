"""What tests of all folders share: the contexts, and threads and processes with a bound."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Iterator

import pytest

import interlock
from interlock.context import BaseContext
from interlock.testing.trial import Trial
from tests.tracebacks import have_tblib

METHODS = ("fork", "spawn", "forkserver")
BOUND_S = 60.0  # for the threads and processes of one test; a stall is found long before


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A campaign is fought when it is asked for: `make faults KILLS=5000`."""
    if "INTERLOCK_KILLS" in os.environ:
        return
    campaigns = [item for item in items if item.get_closest_marker("campaign") is not None]
    if campaigns:
        config.hook.pytest_deselected(items=campaigns)
        items[:] = [item for item in items if item not in campaigns]


def pytest_sessionstart() -> None:
    """Children of a fork server import what tests import: pytest, the most of it, only once."""
    multiprocessing.set_forkserver_preload(["__main__", "pytest"])


def pytest_collectstart(collector: pytest.Collector) -> None:
    """Exceptions are pickled as Python does it, where they are not to be as Dask does it."""
    have_tblib(_is_of_dask(collector))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """So they are."""
    have_tblib(_is_of_dask(item))


def _is_of_dask(node: pytest.Item | pytest.Collector) -> bool:
    return "tests/context/dask" in node.nodeid or "test_clusters" in node.nodeid


@pytest.fixture(params=METHODS)
def context(request: pytest.FixtureRequest) -> BaseContext:
    """Each of our contexts in turn."""
    method: str = request.param
    return interlock.get_context(method)


@pytest.fixture
def trial(context: BaseContext) -> Iterator[Trial]:
    """Starts threads and processes, and looks at what they returned; nothing outlives it."""
    with Trial(context.Queue, context, BOUND_S) as trial:
        yield trial


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    """Both event loops, for tests of what is awaited."""
    loop: str = request.param
    return loop
