"""Memory that processes share, and what is built in it."""

from interlock._standard import rest_of
from interlock.shared_memory.block import SharedMemory
from interlock.shared_memory.dict import SharedDict
from interlock.shared_memory.list import ShareableList
from interlock.shared_memory.names import generate

__all__ = [
    "ShareableList",
    "SharedDict",
    "SharedMemory",
]

_make_filename = generate

__getattr__ = rest_of("multiprocessing.shared_memory")
