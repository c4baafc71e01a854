"""An authority, and two names with which a conversation is possible."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.managers.keys import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """One that has issued for a server on this machine, `hub`, and a client, `worker`."""
    made = Authority.create(tmp_path / "keys")
    made.issue("hub", ["localhost", "127.0.0.1"])
    made.issue("worker")
    return made
