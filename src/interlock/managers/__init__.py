"""Objects that processes share: in a server, or in shared memory where one machine has all."""

from multiprocessing.managers import (
    BaseListProxy,
    BaseProxy,
    DictProxy,
    ListProxy,
    Namespace,
    RemoteError,
    Token,
    ValueProxy,
)

from interlock._standard import rest_of
from interlock.managers.local.manager import BaseManager, SyncManager
from interlock.managers.local.serving import Server
from interlock.managers.segments import SharedMemoryManager
from interlock.managers.typed import awaited, pipeline, serve, under

__all__ = [
    "BaseListProxy",
    "BaseManager",
    "BaseProxy",
    "DictProxy",
    "ListProxy",
    "Namespace",
    "RemoteError",
    "Server",
    "SharedMemoryManager",
    "SyncManager",
    "Token",
    "ValueProxy",
    "awaited",
    "pipeline",
    "serve",
    "under",
]

__getattr__ = rest_of("multiprocessing.managers")
