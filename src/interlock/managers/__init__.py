"""Objects in a server, and proxies: the standard library's, until a release brings our own."""

from multiprocessing.managers import (
    BaseListProxy,
    BaseManager,
    BaseProxy,
    DictProxy,
    ListProxy,
    Namespace,
    RemoteError,
    Server,
    SyncManager,
    Token,
    ValueProxy,
)

from interlock._standard import rest_of
from interlock.shared_memory.manager import SharedMemoryManager

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
]

__getattr__ = rest_of("multiprocessing.managers")
