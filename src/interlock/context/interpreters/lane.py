"""A sub-interpreter of one thread, in which it has calls run."""

from __future__ import annotations

import importlib.util
import pickle
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any

from interlock.context.interpreters.ending import end
from interlock.context.threads.engine import Engine
from interlock.context.threads.member import Member
from interlock.serialize import apart

__all__ = ["InterpreterEngine", "Lane", "module_apart"]


def module_apart() -> Any:
    """`apart` as both interpreters have it: a module by itself."""
    found = sys.modules.get(apart.NAME)
    if found is None:
        spec = importlib.util.spec_from_file_location(apart.NAME, apart.__file__)
        assert spec is not None and spec.loader is not None, "it is a file beside this one"
        found = sys.modules[apart.NAME] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(found)
    return found


class Lane:
    """An interpreter, and a queue by which results come out of it.

    Args:
        interpreters: The module that makes both: `concurrent.interpreters`.
    """

    def __init__(self, interpreters: Any) -> None:
        self._interpreter = interpreters.create()
        self._results = interpreters.create_queue()
        path = "\0".join(sys.path)
        self._interpreter.exec(f"import {interpreters.__name__}")  # else it can be given no queue
        self._interpreter.prepare_main(
            place=apart.__file__, path=path, results=self._results, data=b""
        )
        self._interpreter.exec(apart.SETUP)

    def call(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Any:
        """Its value there; all of it goes as pickles."""
        self._interpreter.prepare_main(data=_pickled((function, args, kwargs)))
        self._interpreter.exec("results.put(_apart.called(data))")
        success, value = apart.outcome(self._results.get())
        if success:
            return value
        raise value

    def close(self) -> None:
        """End the interpreter, when what it put has been taken."""
        end(self._interpreter)


def _pickled(call: Any) -> bytes:
    """By cloudpickle, where it is there: functions of the program itself go by value."""
    try:
        import cloudpickle  # type: ignore[import-untyped]
    except ImportError:
        return pickle.dumps(call)
    data: bytes = cloudpickle.dumps(call)
    return data


class InterpreterEngine(Engine):
    """An engine each of whose threads has an interpreter of its own."""

    interpreters: Any = None

    def __init__(self, size: int, **options: Any) -> None:
        super().__init__(size, **options)
        self._here = threading.local()

    def _serve(self, member: Member) -> None:
        try:
            super()._serve(member)
        finally:
            lane: Lane | None = getattr(self._here, "lane", None)
            if lane is not None:
                lane.close()

    def make_ready(self) -> None:
        """Make this thread's interpreter: if it cannot be made, the pool says so."""
        self._here.lane = Lane(self.interpreters)

    def called(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """As `Engine.called`: in the interpreter of this thread."""
        return partial(self._here.lane.call, function)
