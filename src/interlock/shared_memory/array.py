"""SharedArray: a numpy array in shared memory, which can be made longer and has a lock."""

from __future__ import annotations

import mmap
import os
from multiprocessing import get_context
from typing import Any

from interlock._handover import Passage, pack
from interlock.errors import MissingDependency, OutOfSharedMemory, SegmentCorrupted
from interlock.shared_memory import segment
from interlock.synchronize.rlock import RLock

try:
    import numpy
    from numpy.lib.format import descr_to_dtype, dtype_to_descr
    from numpy.lib.mixins import NDArrayOperatorsMixin
except ModuleNotFoundError as error:
    raise MissingDependency(
        "A SharedArray needs numpy, which is not installed. Install it with `pip install numpy`."
    ) from error

__all__ = ["SharedArray"]

DATA_AT = mmap.PAGESIZE  # before it, one word: how long the first axis is
MAX_BYTES = 1 << 40

Shape = int | tuple[int, ...]


class SharedArray(NDArrayOperatorsMixin):
    """An array that processes share; it goes to them by being passed or sent.

    It does what a `numpy.ndarray` does: indexing, arithmetic, methods, numpy's functions. `array`
    is the memory itself as a plain `ndarray`, as long as it is now.

    Args:
        shape: How long each axis is.
        dtype: Of its items; anything but Python objects.
        max_bytes: How large it may become, in bytes of items.

    Raises:
        TypeError: Its items would be Python objects.
        ValueError: A length is negative.
        MissingDependency: numpy is not installed.
        OutOfSharedMemory: The kernel has not got the pages, or they are more than max_bytes.

    If a process dies: the memory stays for the others. With the lock: as in `RLock`; what it was
        writing may be half done.
    """

    def __init__(
        self, shape: Shape, dtype: Any = "float64", *, max_bytes: int | None = None
    ) -> None:
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
        if any(length < 0 for length in lengths):
            raise ValueError(f"a shape of {lengths}: give lengths of 0 or more")
        kind = numpy.dtype(dtype)
        if kind.hasobject:
            raise TypeError(
                f"a SharedArray of dtype {kind}: its items are objects of this process. Take a "
                "dtype of numbers, texts or records, or a SharedDict."
            )
        most = MAX_BYTES if max_bytes is None else max_bytes
        self._set(lengths[1:], kind, bool(lengths), most, RLock(ctx=get_context()))
        wanted = self._bytes_for(lengths[0] if lengths else 1)
        self._fd = segment.create("array", DATA_AT + wanted)
        self._map()
        self._header[0] = lengths[0] if lengths else 1

    def _set(
        self, tail: tuple[int, ...], kind: numpy.dtype[Any], grows: bool, most: int, lock: RLock
    ) -> None:
        self._tail, self._kind, self._grows = tail, kind, grows
        self._row_bytes = int(numpy.prod(tail, dtype=object)) * kind.itemsize
        self._max_bytes, self._lock = most, lock
        self._seen: numpy.ndarray[Any, Any] | None = None

    def _map(self) -> None:
        size = os.fstat(self._fd).st_size
        self._memory = mmap.mmap(self._fd, size)
        self._header = numpy.frombuffer(self._memory, numpy.uint64, 1)
        self._seen = None

    def _bytes_for(self, length: int) -> int:
        wanted = length * self._row_bytes
        if wanted > self._max_bytes:
            raise OutOfSharedMemory(
                f"{length:,} rows of a SharedArray are {wanted:,} bytes, and its max_bytes are "
                f"{self._max_bytes:,}: make it with more, or keep fewer rows."
            )
        return wanted

    def __del__(self) -> None:
        fd = self.__dict__.pop("_fd", None)
        if fd is not None:
            os.close(fd)

    @classmethod
    def copy_of(cls, array: Any, *, max_bytes: int | None = None) -> SharedArray:
        """A new one with the items of an array.

        Args:
            array: Anything that numpy makes an array of.
            max_bytes: As for a new one.

        Raises:
            TypeError: Its items are Python objects.
            OutOfSharedMemory: As for a new one.
        """
        given = numpy.asarray(array)
        made = cls(given.shape, given.dtype, max_bytes=max_bytes)
        made.array[...] = given
        return made

    @property
    def array(self) -> numpy.ndarray[Any, Any]:
        """The memory as an `ndarray`, as long as it is now; it stays so when it is resized."""
        length = int(self._header[0])
        if self._seen is not None and (not self._grows or len(self._seen) == length):
            return self._seen
        if DATA_AT + length * self._row_bytes > len(self._memory):
            self._map()
            if DATA_AT + length * self._row_bytes > len(self._memory):
                raise SegmentCorrupted(
                    "The memory of this array is damaged: it says that it is longer than its "
                    "memory. A process that has it wrote over it. Make a new one."
                )
        shape = (length, *self._tail) if self._grows else ()
        self._seen = numpy.ndarray(shape, self._kind, buffer=self._memory, offset=DATA_AT)
        return self._seen

    @property
    def lock(self) -> RLock:
        """The lock that goes with it: ``with array.lock:``. `resize` takes it, and nothing else."""
        return self._lock

    @property
    def max_bytes(self) -> int:
        """How large it may become, in bytes of items."""
        return self._max_bytes

    def resize(self, length: int) -> None:
        """Make the first axis longer or shorter, for all processes; what is new is zero.

        Arrays that were taken from it before keep their length. Memory of what is cut off is kept.

        Args:
            length: How long it is to be.

        Raises:
            ValueError: It is negative, or the array has no axis.
            OutOfSharedMemory: The kernel has not got the pages, or they are more than max_bytes.

        If a process dies: this one: it has the new length or the old one. It waits for who has
            the lock; if that one dies, as in `RLock`.
        """
        if not self._grows or length < 0:
            raise ValueError(f"resize to {length}: the array's shape is {self.shape}")
        wanted = self._bytes_for(length)
        with self._lock:
            before = int(self._header[0])
            segment.reserve(self._fd, DATA_AT + wanted)
            if length > before:
                self._clear(before, length)
            self._header[0] = length

    def _clear(self, begin: int, end: int) -> None:
        if DATA_AT + end * self._row_bytes > len(self._memory):
            self._map()
        bounds = slice(DATA_AT + begin * self._row_bytes, DATA_AT + end * self._row_bytes)
        numpy.frombuffer(self._memory, numpy.uint8)[bounds] = 0

    # ---- what an array does ---------------------------------------------------------------------

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> numpy.ndarray[Any, Any]:
        array = self.array
        if dtype is not None and array.dtype != dtype:
            if copy is False:
                raise ValueError(f"there is no {numpy.dtype(dtype)} array in it without a copy")
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        plain = [each.array if isinstance(each, SharedArray) else each for each in inputs]
        out = options.get("out", ())
        if out:
            options["out"] = tuple(
                each.array if isinstance(each, SharedArray) else each for each in out
            )
        result = getattr(ufunc, method)(*plain, **options)
        return out[0] if len(out) == 1 and isinstance(out[0], SharedArray) else result

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self.array, name)

    @property
    def shape(self) -> tuple[int, ...]:
        """How long each axis is now."""
        return tuple(self.array.shape)

    @property
    def dtype(self) -> numpy.dtype[Any]:
        """Of its items."""
        return self._kind

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, key: Any) -> Any:
        return self.array[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self.array[key] = value

    def __iter__(self) -> Any:
        return iter(self.array)

    def __contains__(self, item: object) -> bool:
        return item in self.array

    def __bool__(self) -> bool:
        return bool(self.array)

    def __repr__(self) -> str:
        return f"Shared{self.array!r}" if self.array.ndim else f"SharedArray({self.array!r})"

    def __reduce__(self) -> tuple[Any, ...]:
        kind = dtype_to_descr(self._kind)
        terms = (self._tail, kind, self._grows, self._max_bytes, self._lock)
        return _attached, (type(self), terms, pack([self._fd]))


def _attached(kind: type[SharedArray], terms: tuple[Any, ...], passage: Passage) -> SharedArray:
    """One that came from another process."""
    tail, described, grows, most, lock = terms
    (fd,) = passage.redeem()
    one = kind.__new__(kind)
    one._fd = fd
    one._set(tuple(tail), descr_to_dtype(described), grows, most, lock)
    one._map()
    return one
