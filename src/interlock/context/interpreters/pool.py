"""Pool and executor whose threads have interpreters."""

from __future__ import annotations

from typing import Any

from interlock.context.interpreters.lane import InterpreterEngine
from interlock.context.threads.pool import ThreadCrew, ThreadTaskPool, ThreadTaskPoolExecutor

__all__ = ["executor_of", "pool_of"]


def _crew_of(interpreters: Any) -> type[ThreadCrew]:
    class _Engine(InterpreterEngine):
        pass

    class _Crew(ThreadCrew):
        engine_kind = _Engine

    _Engine.interpreters = interpreters
    return _Crew


def pool_of(interpreters: Any) -> type[ThreadTaskPool]:
    """The class of pools whose calls run in interpreters of this module."""
    return type("InterpreterPool", (ThreadTaskPool,), {"_crew_kind": _crew_of(interpreters)})


def executor_of(interpreters: Any) -> type[ThreadTaskPoolExecutor]:
    """The same of executors."""
    parts = {"_crew_kind": _crew_of(interpreters)}
    return type("InterpreterExecutor", (ThreadTaskPoolExecutor,), parts)
