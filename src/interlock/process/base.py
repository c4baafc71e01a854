"""Process, and the one list of processes that we share with the standard library.

Who runs here, who the parent is and which children live is known to
`multiprocessing.process` alone: a program that uses both libraries has one
answer to each, and a child started by either is seen by both.
"""

from __future__ import annotations

from multiprocessing import context as _standard
from multiprocessing.process import (
    BaseProcess,
    active_children,
    current_process,
    parent_process,
)
from typing import Any

import interlock.process.at_fork  # noqa: F401  # registers what a fork needs
from interlock.process.lifeline import Lifeline, for_a_child

__all__ = [
    "BaseProcess",
    "Process",
    "active_children",
    "current_process",
    "parent_process",
]


class Process(_standard.Process):
    """An activity in a process of its own, started as the default context says.

    Every method is the standard library's. The processes of the contexts derive
    from this class, so that `Process.terminate(p)` takes any of them.

    Args:
        group: Always None; it is there for `threading.Thread`'s sake.
        target: What `run` calls in the child; nothing by default.
        name: For people; by default the class and the number of the child.
        args: Positional arguments of the target. Under spawn and forkserver they
            must be serializable, and are serialized by `start`.
        kwargs: Keyword arguments of the target.
        daemon: Whether the child is terminated when its parent exits; by default
            as the current process is.

    Raises:
        AssertionError: `start` was called twice, or by a daemon, or in another
            process than the one that made this object.
        ValueError: The object was closed, or `sentinel` is asked before `start`.

    If a process dies:
        `join` returns, `exitcode` is minus the number of the signal, and `sentinel`
        becomes ready in `interlock.connection.wait`.

    Example:
        >>> child = Process(target=print, args=("hello",), name="greeter")
        >>> child.name, child.is_alive(), child.exitcode
        ('greeter', False, None)
    """

    _line: Lifeline | None = None  # only from its start to the begin of the child

    def start(self) -> None:
        """Start it; within a worker of a pool, so that it ends with the worker.

        Raises:
            AssertionError: It was started before, or by a daemon, or in another process.

        If a process dies: this one's death is the end of its daemons, by the standard library, and
            a worker's of all that it started, by the kernel.
        """
        self._line = for_a_child()
        try:
            super().start()
        finally:
            self._line = None

    def _bootstrap(self, parent_sentinel: int | None = None) -> Any:
        if self._line is not None:
            self._line.follow()
        bootstrap: Any = super()._bootstrap  # type: ignore[misc]
        return bootstrap(parent_sentinel)
