"""multiprocessing, kept whole: `import interlock as multiprocessing` runs an existing program.

Public names only. What is bound here is light; submodules load on first use.
"""

import typing
from importlib import import_module

# First: on a system without what the core needs, this raises UnsupportedPlatform.
import interlock._platform
from interlock import _standard
from interlock.context import (
    AuthenticationError,
    BufferTooShort,
    ProcessError,
    TimeoutError,
    default_context,
    get_context,
)
from interlock.errors import (
    AbandonedLockError,
    AbandonedLockWarning,
    AttributeSerializationError,
    BrokenBarrier,
    DecodeError,
    Empty,
    ForbiddenGlobal,
    Full,
    InterlockError,
    LockNotHeld,
    LockNotOwned,
    MessageTooLarge,
    OutOfSharedMemory,
    QueueClosed,
    SegmentCorrupted,
    SerializationError,
    ShutDown,
    TooManyProcesses,
    TooManyWaiters,
    TypeSerializationError,
    UnsupportedPlatform,
    WouldDeadlock,
)
from interlock.process import Process, active_children, current_process, parent_process

if typing.TYPE_CHECKING:
    from multiprocessing import forkserver as forkserver
    from multiprocessing import heap as heap
    from multiprocessing import popen_fork as popen_fork
    from multiprocessing import popen_forkserver as popen_forkserver
    from multiprocessing import popen_spawn_posix as popen_spawn_posix
    from multiprocessing import resource_sharer as resource_sharer
    from multiprocessing import resource_tracker as resource_tracker
    from multiprocessing import spawn as spawn
    from multiprocessing import util as util

    from interlock import advice as advice
    from interlock import connection as connection
    from interlock import context as context
    from interlock import dummy as dummy
    from interlock import errors as errors
    from interlock import managers as managers
    from interlock import pool as pool
    from interlock import process as process
    from interlock import queues as queues
    from interlock import reduction as reduction
    from interlock import serialize as serialize
    from interlock import shared_memory as shared_memory
    from interlock import sharedctypes as sharedctypes
    from interlock import synchronize as synchronize
    from interlock._c_api import get_cmake_dir as get_cmake_dir
    from interlock._c_api import get_include as get_include
    from interlock.advice import advise as advise
    from interlock.connection import wait as wait
    from interlock.managers.named import connect as connect
    from interlock.pool import ProcessPoolExecutor as ProcessPoolExecutor
    from interlock.pool import ThreadPoolExecutor as ThreadPoolExecutor
    from interlock.pool import WorkerDied as WorkerDied
    from interlock.serialize.classes import register as register
    from interlock.serialize.classes import serializable as serializable
    from interlock.serialize.classes import unregister as unregister
    from interlock.serialize.inspection.walk import explain as explain
    from interlock.shared_memory import AtomicFlag as AtomicFlag
    from interlock.shared_memory import AtomicFloat as AtomicFloat
    from interlock.shared_memory import AtomicInt as AtomicInt
    from interlock.shared_memory import SharedArray as SharedArray
    from interlock.shared_memory import SharedDict as SharedDict

    __version__: str

__all__ = [
    "AbandonedLockError",
    "AbandonedLockWarning",
    "Array",
    "AtomicFlag",
    "AtomicFloat",
    "AtomicInt",
    "AttributeSerializationError",
    "AuthenticationError",
    "Barrier",
    "BoundedSemaphore",
    "BrokenBarrier",
    "BufferTooShort",
    "Condition",
    "DecodeError",
    "Empty",
    "Event",
    "ForbiddenGlobal",
    "Full",
    "InterlockError",
    "JoinableQueue",
    "Lock",
    "LockNotHeld",
    "LockNotOwned",
    "Manager",
    "MessageTooLarge",
    "OutOfSharedMemory",
    "Pipe",
    "Pool",
    "Process",
    "ProcessError",
    "ProcessPoolExecutor",
    "Queue",
    "QueueClosed",
    "RLock",
    "RWLock",
    "RawArray",
    "RawValue",
    "SegmentCorrupted",
    "Semaphore",
    "SerializationError",
    "SharedArray",
    "SharedDict",
    "ShutDown",
    "SimpleQueue",
    "ThreadPoolExecutor",
    "TimeoutError",
    "TooManyProcesses",
    "TooManyWaiters",
    "TypeSerializationError",
    "UnsupportedPlatform",
    "Value",
    "WorkerDied",
    "WouldDeadlock",
    "active_children",
    "advise",
    "allow_connection_pickling",
    "connect",
    "cpu_count",
    "current_process",
    "explain",
    "freeze_support",
    "get_all_start_methods",
    "get_cmake_dir",
    "get_context",
    "get_include",
    "get_logger",
    "get_start_method",
    "log_to_stderr",
    "parent_process",
    "reducer",
    "register",
    "serializable",
    "set_executable",
    "set_forkserver_preload",
    "set_start_method",
    "unregister",
    "wait",
]

_SUBMODULES = _standard.MACHINERY | {
    "advice",
    "connection",
    "dummy",
    "managers",
    "pool",
    "queues",
    "reduction",
    "serialize",
    "shared_memory",
    "sharedctypes",
    "synchronize",
}

# What is in modules that load on first use.
_FROM = {
    "AtomicFlag": "interlock.shared_memory",
    "AtomicFloat": "interlock.shared_memory",
    "AtomicInt": "interlock.shared_memory",
    "ProcessPoolExecutor": "interlock.pool",
    "SharedArray": "interlock.shared_memory",
    "SharedDict": "interlock.shared_memory",
    "ThreadPoolExecutor": "interlock.pool",
    "advise": "interlock.advice",
    "connect": "interlock.managers.named",
    "explain": "interlock.serialize",
    "get_cmake_dir": "interlock._c_api",
    "get_include": "interlock._c_api",
    "register": "interlock.serialize",
    "serializable": "interlock.serialize",
    "unregister": "interlock.serialize",
    "WorkerDied": "interlock.pool",
    "wait": "interlock.connection",
}

# Levels of the logger, as multiprocessing has them.
SUBDEBUG = 5
SUBWARNING = 25

Array = default_context.Array
Barrier = default_context.Barrier
BoundedSemaphore = default_context.BoundedSemaphore
Condition = default_context.Condition
Event = default_context.Event
JoinableQueue = default_context.JoinableQueue
Lock = default_context.Lock
Manager = default_context.Manager
Pipe = default_context.Pipe
Pool = default_context.Pool
Queue = default_context.Queue
RLock = default_context.RLock
RWLock = default_context.RWLock
RawArray = default_context.RawArray
RawValue = default_context.RawValue
Semaphore = default_context.Semaphore
SimpleQueue = default_context.SimpleQueue
Value = default_context.Value
allow_connection_pickling = default_context.allow_connection_pickling
cpu_count = default_context.cpu_count
freeze_support = default_context.freeze_support
get_all_start_methods = default_context.get_all_start_methods
get_logger = default_context.get_logger
get_start_method = default_context.get_start_method
log_to_stderr = default_context.log_to_stderr
reducer = default_context.reducer
set_executable = default_context.set_executable
set_forkserver_preload = default_context.set_forkserver_preload
set_start_method = default_context.set_start_method

_standard.install()

if not typing.TYPE_CHECKING:  # where names that are not there would be found

    def __getattr__(name: str) -> typing.Any:
        if name in _SUBMODULES:
            return import_module(f"interlock.{name}")
        if name in _FROM:
            return getattr(import_module(_FROM[name]), name)
        if name == "__version__":
            from interlock._native import VERSION

            return VERSION
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
