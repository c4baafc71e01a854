"""The contexts of processes: fork, spawn, forkserver.

A child is started by the standard library's own code, which finds its way by
the base of each class that is its own; the other base is ours.
"""

from __future__ import annotations

from multiprocessing import context as standard

from interlock.context.base import CONTEXTS, BaseContext
from interlock.process import Process

__all__ = [
    "ForkContext",
    "ForkProcess",
    "ForkServerContext",
    "ForkServerProcess",
    "SpawnContext",
    "SpawnProcess",
]


class ForkProcess(standard.ForkProcess, Process):  # type: ignore[misc]
    """A process that begins as a copy of this one, with all it holds; see `Process`."""


class SpawnProcess(standard.SpawnProcess, Process):  # type: ignore[misc]
    """A process that begins as a fresh interpreter; see `Process`."""


class ForkServerProcess(standard.ForkServerProcess, Process):  # type: ignore[misc]
    """A process forked by a server that has few things to copy; see `Process`."""


class ForkContext(BaseContext, standard.ForkContext):
    """Children are copies of this process: quick, and they inherit everything."""

    Process = ForkProcess


class SpawnContext(BaseContext, standard.SpawnContext):
    """Children are fresh interpreters: they get only what they are given."""

    Process = SpawnProcess


class ForkServerContext(BaseContext, standard.ForkServerContext):
    """Children are forked by one single-threaded server, started on first use."""

    Process = ForkServerProcess


CONTEXTS["fork"] = ForkContext()
CONTEXTS["spawn"] = SpawnContext()
CONTEXTS["forkserver"] = ForkServerContext()
