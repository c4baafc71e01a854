"""`dumps` and `loads`: an object as bytes for a file, a socket, or anything else.

The first byte says what follows: 1, the native encoding (native/codec/format.hpp); 2, a pickle;
3, a pickle and the buffers that belong to it (framed.py). Pickles are for ``trust="process"`` only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from interlock import _native
from interlock.errors import DecodeError
from interlock.serialize import codec
from interlock.serialize.framed import put_together, take_apart
from interlock.serialize.limits import Limits
from interlock.serialize.trust import Trust, bounds_of

__all__ = ["dumps", "loads"]

_NATIVE = b"\x01"
_PICKLE = b"\x02"
_FRAMED = b"\x03"


def dumps(
    obj: Any,
    *,
    trust: Trust = "registered",
    limits: Limits | None = None,
    buffers: list[Any] | None = None,
) -> bytes:
    """Encode an object.

    Args:
        obj: Of plain and registered types; with ``trust="process"``, any that pickle takes too.
        trust: Who may read it: ``"registered"`` for anybody, ``"process"`` for whom may run code
            here.
        limits: What the reader allows; the defaults of `Limits` for ``"registered"``.
        buffers: A list to which large buffers (arrays of 4 KiB and more) are appended without a
            copy, to be sent beside the bytes; None to have them among the bytes.

    Raises:
        SerializationError: A part may not travel, or is beyond a limit; with the path to it.
        ValueError: trust is another word.
    """
    bounds = bounds_of(trust, limits)
    if bounds is not None:  # the reader counts the first byte too
        bounds = (bounds[0] - len(_NATIVE), *bounds[1:])
    data = _native.encode(obj, bounds, buffers, _NATIVE)
    if data is not None:
        return data
    return _pickled(obj) if buffers is None else _PICKLE + codec.encode_all(obj, buffers)


def loads(
    data: Any,
    *,
    trust: Trust = "registered",
    limits: Limits | None = None,
    buffers: Iterable[Any] = (),
    writable: bool = False,
) -> Any:
    """The object in bytes that `dumps` made.

    Nothing in them is code: with ``trust="registered"`` only plain values come of them, and
    objects of registered types, made by what was registered for them.

    Args:
        data: bytes, or anything with the buffer protocol.
        trust: What the source may do: ``"registered"``, or ``"process"`` where it may run code.
        limits: What the object may contain; the defaults of `Limits` for ``"registered"``.
        buffers: The large buffers, in order, where `dumps` put them beside the bytes. The object
            refers to them and does not copy them.
        writable: Whether the large buffers may be written to; otherwise they are read-only, and
            those among bytes are used where they lie.

    Raises:
        DecodeError: The bytes are none of `dumps`, damaged, of a type that is not registered,
            of another type than a field takes, or beyond a limit; with the offset and the path.
        ValueError: trust is another word.
        Exception: With ``trust="process"``, what the object's own code raised.
    """
    bounds = bounds_of(trust, limits)
    with memoryview(data) as view:
        flat = view.cast("B")
        head = bytes(flat[:1])
        if head == _NATIVE:
            return _native.decode(flat, bounds, list(buffers), writable, skip=1)
        if head not in (_PICKLE, _FRAMED):
            raise DecodeError(
                f"{len(flat)} bytes that begin with {head!r} were not made by "
                "interlock.serialize.dumps(); nothing was made of them.",
                offset=0,
            )
        if bounds is not None:
            raise DecodeError(
                f'A pickle of {len(flat) - 1} bytes came from a source with trust="registered", '
                "which may send plain values and registered types only; it was not looked at. "
                'Let the sender use dumps(..., trust="registered").',
                offset=0,
            )
        if head == _FRAMED:
            pickled, views = take_apart(data if type(data) is bytes else bytes(flat), writable)
            return codec.decode(bytes(pickled), views)
        kept = [memoryview(each) for each in buffers]
        return codec.decode(
            bytes(flat[1:]) if kept else flat[1:],
            [each if writable else each.toreadonly() for each in kept],
        )


def _pickled(obj: Any) -> bytes:
    """For a trusted reader, what the codec leaves to pickle."""
    buffers: list[Any] = []
    pickled = codec.encode_all(obj, buffers)
    return put_together(_FRAMED, pickled, buffers) if buffers else _PICKLE + pickled


if not TYPE_CHECKING:
    dumps, loads = _native.hasten(dumps, loads, _pickled, bounds_of("registered", None))
