"""Ctrl-C, which goes to all processes of a terminal: the program decides what it means."""

from __future__ import annotations

import signal
from typing import Any

from distributed.diagnostics.plugin import WorkerPlugin

__all__ = ["Undisturbed"]


class Undisturbed(WorkerPlugin):
    """A worker that is not ended by Ctrl-C."""

    name = "interlock-undisturbed"
    idempotent = True

    def setup(self, worker: Any) -> None:
        """In the worker, in the thread of its event loop, which is its main one."""
        # Not SIG_IGN, which programs started by a task would keep.
        signal.signal(signal.SIGINT, lambda number, frame: None)
