"""What a worker of Ray is told before it runs anything of ours."""

from __future__ import annotations

from multiprocessing import process

__all__ = ["begin"]


def begin(name: str | None = None) -> None:
    """It has a name of its own: it is no main process."""
    me = process.current_process()
    if name is not None:
        me.name = name
    elif me.name == "MainProcess":
        me.name = "RayWorker"
