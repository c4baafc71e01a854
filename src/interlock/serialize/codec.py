"""Objects that are not plain: to bytes by pickle protocol 5, and back.

The native core encodes plain types itself (``native/codec/format.hpp``) and calls
`encode` and `decode` for everything else. Large buffers stay out of the pickle, so
that the core copies each of them once, into shared memory. What cannot travel fails
here, at the call, with the path to the part that cannot (P6).
"""

from __future__ import annotations

import contextlib
import copyreg
import io
import pickle
import sys
from collections.abc import Callable, Sequence
from multiprocessing.reduction import ForkingPickler
from typing import Any

from interlock import _native
from interlock.serialize import arrays, registry, tensors
from interlock.serialize.inspection.guilty import find_guilty
from interlock.serialize.inspection.hooks import reduction
from interlock.serialize.refusal import refusal

__all__ = [
    "BUFFER_MIN",
    "all_reducers",
    "decode",
    "encode",
    "encode_all",
    "pickle_bytes",
    "use_pickler",
]

# From this size on a buffer goes by itself: one page, below which the entry in the
# message's table, the alignment and the view on the other side cost more than the copy.
BUFFER_MIN = 4096

# The program's own, where it has set context.reducer.
_own_pickler: type[ForkingPickler] | None = None


def encode(obj: Any) -> tuple[bytes, list[Any]]:
    """Turn an object into a pickle and the large buffers that belong to it.

    Reducers registered with `ForkingPickler` and `copyreg` are used as
    `multiprocessing` uses them.

    Args:
        obj: Any object.

    Returns:
        The pickle, and the buffers in the order in which it refers to them: objects
        with the buffer protocol, contiguous in memory, of BUFFER_MIN bytes or more.

    Raises:
        SerializationError: A part of the object cannot be serialized; the message
            names the path to it. It is a TypeError or AttributeError too where
            `pickle` raises one.
        Exception: What an object's own ``__reduce__`` or ``__getstate__`` raised, as
            it is, with a note that gives the path.
    """
    if _own_pickler is None and type(obj).__module__ == "numpy" and not _has_reducer(type(obj)):
        known = arrays.encode(obj, BUFFER_MIN)
        if known is not None:
            return known
    buffers: list[Any] = []
    return encode_all(obj, buffers), buffers


def use_pickler(pickler: type[ForkingPickler] | None) -> None:
    """Let a program's own pickler write and read what processes that trust each other exchange.

    Args:
        pickler: Takes the arguments of `ForkingPickler`; its ``loads`` reads what it wrote. None
            for our own way.
    """
    global _own_pickler
    _own_pickler = None if pickler in (None, ForkingPickler) else pickler
    _native.leave_all_to_pickle(_own_pickler is not None)


def encode_all(obj: Any, buffers: list[Any] | None) -> bytes:
    """The pickle of an object.

    Args:
        obj: Any object.
        buffers: Where its large buffers are appended; None to have them in the pickle.

    Raises:
        SerializationError: See `encode`.
    """
    reducers = all_reducers()
    # ForkingPickler in all but name: its class costs a third more, for methods that it
    # might override and does not.
    try:
        if _own_pickler is not None:
            return bytes(_own_pickler.dumps(obj, 5))
        return _pickle(pickle.Pickler, obj, reducers, buffers)
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        guilty = find_guilty(obj, reducers)
        if guilty is None and type(error) is TypeError and _own_pickler is None:
            with contextlib.suppress(Exception):  # what pickle said of it stands
                return _pickle(_WithTensors, obj, reducers, buffers)
        shown = refusal(error, obj, guilty)
        try:
            if shown is error:
                raise
            raise shown from error
        finally:
            del shown, guilty  # its traceback has this frame, and that has the message


def decode(data: Any, buffers: Sequence[Any] = ()) -> Any:
    """Turn a pickle and its buffers back into the object.

    Args:
        data: The pickle: bytes, or with no buffers anything that lends them.
        buffers: Its buffers, in order. The object refers to them and does not copy them.

    Returns:
        The object.

    Raises:
        Exception: Whatever the objects' own code raises while they are restored,
            as it is.
    """
    if not buffers:
        return _own_pickler.loads(data) if _own_pickler is not None else pickle.loads(data)
    if len(buffers) == 1:
        return arrays.decode(data, buffers[0])
    return pickle.loads(data, buffers=buffers)


def pickle_bytes(obj: Any) -> bytes:
    """The pickle of an object with all its buffers in it, as `Connection.send` writes it.

    Raises:
        SerializationError: See `encode`.
    """
    return encode_all(obj, None)


def all_reducers() -> dict[type, Callable[[Any], Any]]:
    """What is called for an object of a type before its own hooks are."""
    reducers = {**registry.reducers, **copyreg.dispatch_table, **_registered()}
    if "torch" in sys.modules:
        tensors.add_reducers(reducers)
    return reducers


def _registered() -> dict[type, Callable[[Any], Any]]:
    return ForkingPickler._extra_reducers  # type: ignore[attr-defined, no-any-return]


def _has_reducer(kind: type) -> bool:
    return kind in _registered() or kind in copyreg.dispatch_table


class _WithTensors(pickle.Pickler):
    """For tensors of which pickle makes nothing: their memory, if they give it."""

    def reducer_override(self, obj: Any) -> Any:
        if not hasattr(type(obj), "__dlpack__") or type(obj) in self.dispatch_table:
            return NotImplemented
        return reduction(obj, self.dispatch_table)


def _pickle(
    pickler_class: type[pickle.Pickler],
    obj: Any,
    reducers: dict[type, Callable[[Any], Any]],
    buffers: list[Any] | None,
) -> bytes:
    file = io.BytesIO()
    kept: list[Any] = []

    def stays_in(buffer: pickle.PickleBuffer) -> bool:
        view = buffer.raw()
        if view.nbytes < BUFFER_MIN:
            return True
        kept.append(view)
        return False

    pickler = pickler_class(file, 5, buffer_callback=None if buffers is None else stays_in)
    pickler.dispatch_table = reducers
    pickler.dump(obj)
    if buffers is not None:
        buffers.extend(kept)
    return file.getvalue()
