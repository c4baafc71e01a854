"""A started manager, and an authority with two names that can talk to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.context import BaseContext
from interlock.managers import SyncManager
from interlock.managers.keys import Authority


@pytest.fixture
def manager(context: BaseContext) -> Iterator[SyncManager]:
    """A manager of each start method; nothing outlives it."""
    with context.Manager() as manager:
        yield manager


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that has issued for a server on this machine, `hub`, and a client, `worker`."""
    made = Authority.create(tmp_path / "keys")
    made.issue("hub", ["localhost", "127.0.0.1"])
    made.issue("worker")
    return made
