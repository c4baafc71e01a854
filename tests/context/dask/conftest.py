"""A cluster on this machine for all these tests, and one of processes of their own for deaths."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from interlock.context.dask import DaskContext
from tests.context.dask.machines import Machines


@pytest.fixture(scope="session")
def local() -> Iterator[DaskContext]:
    """A LocalCluster of two workers, made on the spot."""
    with DaskContext(workers=2) as context:
        yield context


@pytest.fixture(scope="session")
def machines() -> Iterator[Machines]:
    """A scheduler, and workers as the tests start them."""
    with Machines() as machines:
        machines.start("north", "south", "east", "west")
        yield machines


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Dask's log of what the tests do on purpose is not looked at."""
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    yield
