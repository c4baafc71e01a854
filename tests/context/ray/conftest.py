"""Tests of this folder that ask for `on_ray`, a context, run in a process that has a cluster."""

from __future__ import annotations

import importlib.util
import os
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from tests.context.ray import driver

BEGIN_S = 110.0  # to start two nodes, on a machine that is busy with something else
TEST_S = 60.0
END_S = 60.0
HERE = Path(__file__).parent
# Where there is no wheel of Ray, as for a Python that is new, there is nothing to test.
collect_ignore_glob = [] if importlib.util.find_spec("ray") else ["test_*.py"]


class Driver:
    """The process, from the first test that asks for it to the last test of this folder."""

    def __init__(self) -> None:
        self._pool: ProcessPoolExecutor | None = None
        self.address = ""

    def begin(self) -> None:
        if self._pool is None:
            os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
            self._pool = ProcessPoolExecutor(1, get_context("spawn"))
            self.address = self._pool.submit(driver.begin).result(BEGIN_S)

    def run(self, module: str, name: str, arguments: dict[str, object]) -> None:
        assert self._pool is not None, "it was begun"
        self._pool.submit(driver.run, module, name, arguments).result(TEST_S)

    def end(self) -> None:
        pool, self._pool = self._pool, None
        if pool is None:
            return
        try:
            pool.submit(driver.end).result(END_S)
        finally:
            for process in list(pool._processes.values()):
                process.kill()  # a test hangs there, or it is at its end anyhow
            pool.shutdown()


_driver = Driver()


@pytest.fixture
def on_ray() -> Driver:
    """Stands for the context, which the test gets where it runs."""
    _driver.begin()
    return _driver


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run it there."""
    names = pyfuncitem._fixtureinfo.argnames
    if "on_ray" not in names:
        return None
    arguments: dict[str, Any] = {name: pyfuncitem.funcargs[name] for name in names}
    del arguments["on_ray"]
    function = pyfuncitem.function
    _driver.run(function.__module__, function.__name__, arguments)
    return True


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Nothing of it is there for the tests of other folders."""
    if nextitem is None or HERE not in nextitem.path.parents:
        _driver.end()
