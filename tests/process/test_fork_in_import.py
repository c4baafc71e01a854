"""P3: a child that is forked while another thread imports a module can import it."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

import interlock

LONG_S = 30.0


def imported(name: str, queue: interlock.queues.Queue[int]) -> None:
    """In the child."""
    queue.put(__import__(name).value)


def test_a_module_under_way_is_imported_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half of it is in sys.modules, its lock is held by a thread that is not in the child."""
    name = f"slow_{os.getpid()}"
    (tmp_path / f"{name}.py").write_text(
        "import os, tests.process.test_fork_in_import as test\n"
        "if os.getpid() == test.parent: test.under_way.set(); test.go_on.wait(30)\n"
        "value = os.getpid()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    thread = threading.Thread(target=__import__, args=(name,))
    thread.start()
    assert under_way.wait(LONG_S)
    context = interlock.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=imported, args=(name, queue))
    child.start()
    try:
        assert queue.get(timeout=LONG_S) == child.pid
        child.join(LONG_S)
    finally:
        go_on.set()
        thread.join()
    assert sys.modules[name].value == os.getpid()


parent = os.getpid()
under_way, go_on = threading.Event(), threading.Event()
