"""ThreadContext: everything in one process, objects by reference."""

from __future__ import annotations

from interlock.context.substrate import SubstrateContext

__all__ = ["ThreadContext"]


class ThreadContext(SubstrateContext):
    """Work runs in threads of this process; nothing is serialized."""

    _name = "thread"
    runs_in = "threads of this process"
    copies = False
    kills = False
