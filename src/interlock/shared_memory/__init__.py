"""Memory that processes share, and what is built in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from interlock._standard import rest_of
from interlock.shared_memory.atomics import AtomicFlag, AtomicFloat, AtomicInt
from interlock.shared_memory.block import SharedMemory
from interlock.shared_memory.dict import SharedDict
from interlock.shared_memory.list import ShareableList
from interlock.shared_memory.names import generate

if TYPE_CHECKING:
    from interlock.shared_memory.array import SharedArray

__all__ = [
    "AtomicFlag",
    "AtomicFloat",
    "AtomicInt",
    "ShareableList",
    "SharedArray",
    "SharedDict",
    "SharedMemory",
]

_make_filename = generate

_of_the_standard_library = rest_of("multiprocessing.shared_memory")

if not TYPE_CHECKING:  # where names that are not there would be found

    def __getattr__(name: str) -> Any:
        if name == "SharedArray":  # needs numpy, which takes long to load
            from interlock.shared_memory.array import SharedArray

            return SharedArray
        return _of_the_standard_library(name)
