"""Memory that processes share: the standard library's, until a release brings our own."""

from multiprocessing.shared_memory import (
    ShareableList,
    SharedMemory,
)

from interlock._standard import rest_of

__all__ = [
    "ShareableList",
    "SharedMemory",
]

__getattr__ = rest_of("multiprocessing.shared_memory")
