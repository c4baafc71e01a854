"""The build with crash points, for what is to be killed at one; and suites in another order."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from tests.faults.stage import Stage

PROBES_SITE = os.environ.get("INTERLOCK_PROBES_SITE", "")


@pytest.fixture(scope="module")
def with_crash_points() -> Iterator[Stage]:
    """Where functions run on the build with crash points."""
    if not PROBES_SITE:
        pytest.skip("INTERLOCK_PROBES_SITE is not set: `make test` builds the crash points")
    stage = Stage(Path(PROBES_SITE))
    yield stage
    stage.close()


@pytest.fixture
def begin_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[ModuleType, str], None]:
    """Have a module's suite try one contract before the others, for those which break it."""

    def begin_with_it(module: ModuleType, name: str) -> None:
        suite = vars(module)["_suite"]
        contracts = sorted(suite.contracts, key=lambda each: each.name != name)
        assert contracts[0].name == name
        monkeypatch.setattr(module, "_suite", dataclasses.replace(suite, contracts=contracts))

    return begin_with_it
