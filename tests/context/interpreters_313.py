"""`concurrent.interpreters`' calls on Python 3.13, by the module of its tests that became it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

_queues: Any = import_module("test.support.interpreters.queues")
create: Any = import_module("test.support.interpreters").create

__name__ = _queues.__name__  # what an interpreter imports so that it can be given a queue


def create_queue(maxsize: int = 0) -> Any:
    return _queues.create(maxsize)
