"""A server and a client of it, with a journal and without."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.managers.named import Connection
from tests.managers.named.hosted import Hosted


@pytest.fixture(params=["memory", "journal"])
def hosted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosted]:
    journal = str(tmp_path / "journal") if request.param == "journal" else None
    with Hosted(journal=journal) as hosted:
        yield hosted


@pytest.fixture
def connection(hosted: Hosted) -> Iterator[Connection]:
    with hosted.connect() as connection:
        yield connection
