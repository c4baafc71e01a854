"""A child to do things to."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest

from interlock.context import BaseContext
from interlock.process import Process
from tests.process.targets import until_told


@pytest.fixture
def child(context: BaseContext) -> Iterator[Process]:
    """A child that goes on until the test is over, unless the test ends it."""
    told, tell = multiprocessing.Pipe(duplex=False)
    started = context.Process(target=until_told, args=(told,), name="endless")
    with told, tell:
        started.start()
        yield started
        tell.send_bytes(b"")
        started.join()
    started.close()
