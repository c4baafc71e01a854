"""Processes: what starts, who runs, who is alive."""

from interlock._standard import rest_of
from interlock.process.base import (
    BaseProcess,
    Process,
    active_children,
    current_process,
    parent_process,
)

__all__ = [
    "BaseProcess",
    "Process",
    "active_children",
    "current_process",
    "parent_process",
]

__getattr__ = rest_of("multiprocessing.process")
