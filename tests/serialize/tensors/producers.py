"""Tensors of libraries that speak DLPack, and of which pickle makes nothing."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np


class Tensor:
    """As a type of a C extension: its memory is its own, and pickle is refused."""

    def __init__(self, array: Any) -> None:
        self._array = array
        self._lock = threading.Lock()  # what no pickle can hold

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self._array.shape)

    @property
    def dtype(self) -> Any:
        return self._array.dtype

    def address(self) -> int:
        return int(self._array.ctypes.data)

    def tolist(self) -> Any:
        return self._array.tolist()

    def fill(self, value: float) -> None:
        self._array[...] = value

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError(f"cannot pickle {type(self).__name__!r} object")

    def __dlpack__(self, **options: Any) -> Any:
        return self._array.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._array.__dlpack_device__()

    @classmethod
    def from_dlpack(cls, producer: Any) -> Tensor:
        return cls(np.from_dlpack(producer))


class Picky(Tensor):
    """Takes only memory that says it can be written to, as older libraries do."""

    @classmethod
    def from_dlpack(cls, producer: Any) -> Tensor:
        if not producer.flags.writeable:
            raise BufferError("cannot take a readonly array")
        return cls(np.from_dlpack(producer))


class Elsewhere(Tensor):
    """In the memory of another device."""

    def __dlpack_device__(self) -> Any:
        return (2, 0)  # CUDA

    def __dlpack__(self, **options: Any) -> Any:
        raise BufferError("the memory is on a GPU")


class Homeless:
    """Speaks DLPack, and comes from where nothing makes one of it."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        raise TypeError("cannot pickle 'Homeless' object")

    def __dlpack__(self, **options: Any) -> Any:
        return np.zeros(3).__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return np.zeros(3).__dlpack_device__()


class Pickled(Tensor):
    """Says itself how it is pickled, which then decides."""

    def __reduce_ex__(self, protocol: Any) -> Any:
        return Pickled, (self._array + 1,)
