"""Contexts: where work runs, and everything made there."""

from multiprocessing.context import (
    AuthenticationError,
    BufferTooShort,
    ProcessError,
    TimeoutError,
    assert_spawning,
    get_spawning_popen,
    set_spawning_popen,
)

from interlock._standard import rest_of
from interlock.context.base import BaseContext
from interlock.context.default import DefaultContext, default_context, get_context
from interlock.context.processes import (
    ForkContext,
    ForkProcess,
    ForkServerContext,
    ForkServerProcess,
    SpawnContext,
    SpawnProcess,
)
from interlock.process import Process

__all__ = [
    "AuthenticationError",
    "BaseContext",
    "BufferTooShort",
    "DefaultContext",
    "ForkContext",
    "ForkProcess",
    "ForkServerContext",
    "ForkServerProcess",
    "Process",
    "ProcessError",
    "SpawnContext",
    "SpawnProcess",
    "TimeoutError",
    "assert_spawning",
    "default_context",
    "get_context",
    "get_spawning_popen",
    "set_spawning_popen",
]

__getattr__ = rest_of("multiprocessing.context")
