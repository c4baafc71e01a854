"""A manager by TCP, whose server is a process."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from interlock.managers import SyncManager
from interlock.managers.bounds import Bounds
from tests.managers.remote.programs import KEY, context_of

QUICK = Bounds(heartbeat_s=0.5, grace_s=0.5)  # who is gone is given up soon


@pytest.fixture(params=["fork", "spawn"])
def method(request: pytest.FixtureRequest) -> str:
    """How the server and the children are started."""
    name: str = request.param
    return name


@pytest.fixture
def manager(method: str) -> Iterator[Any]:
    """One that is started."""
    made = SyncManager(("127.0.0.1", 0), KEY, ctx=context_of(method), bounds=QUICK)
    with made as started:
        yield started
