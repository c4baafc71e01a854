"""An authority, for tests of who is let in."""

from __future__ import annotations

from pathlib import Path

import pytest

from interlock.managers.keys import Authority


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """With a server on this machine, and two clients."""
    made = Authority.create(tmp_path / "keys")
    made.issue("hub", ["localhost", "127.0.0.1"])
    made.issue("worker")
    made.issue("other")
    return made
