"""A cluster on this machine for all these tests, and one of processes of their own for deaths."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.context.dask import DaskContext
from tests.context.dask.machines import Machines

_HERE = Path(__file__).parent
_clusters = contextlib.ExitStack()


@pytest.fixture(scope="session")
def local() -> DaskContext:
    """A LocalCluster of two workers, made on the spot."""
    return _clusters.enter_context(DaskContext(workers=2))


@pytest.fixture(scope="session")
def machines() -> Machines:
    """A scheduler, and workers as the tests start them."""
    machines = _clusters.enter_context(Machines())
    machines.start("north", "south", "east", "west")
    return machines


def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """After the last of these: others fork this process, and are not to wait for a cluster."""
    if nextitem is None or _HERE not in nextitem.path.parents:
        _clusters.close()


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Dask's log of what the tests do on purpose is not looked at."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    yield
