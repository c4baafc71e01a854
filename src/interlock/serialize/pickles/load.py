"""`load_pickle`: what a caller sees of the reader of strangers' pickles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from interlock.errors import DecodeError
from interlock.serialize.limits import Limits

if TYPE_CHECKING:
    from interlock.serialize.pickles.building import Building

__all__ = ["NUMPY", "load_pickle"]

NUMPY = (
    "numpy:dtype",
    "numpy:ndarray",
    "numpy._core.multiarray:_reconstruct",
    "numpy._core.multiarray:scalar",
    "numpy._core.numeric:_frombuffer",
)
"""The names that a pickle of numpy's arrays and scalars uses, for ``allow``; both the old
spelling ``numpy.core`` and the new one are meant."""


def load_pickle(
    data: Any,
    *,
    allow: Iterable[str] = (),
    buffers: Iterable[Any] | None = None,
    limits: Limits | None = None,
) -> Any:
    """Reads a pickle of any protocol that a stranger may have written.

    Python's own unpickler is not used. Of the names in the pickle, those of plain values
    work always: of ``builtins`` the types of values and the exceptions; ``datetime``,
    ``zoneinfo``, ``Decimal``, ``Fraction``, ``UUID``, ``pathlib``, ``ipaddress``,
    ``array``, ``SimpleNamespace``, and the containers of ``collections``. Anything else must
    be in ``allow``, enums, dataclasses and ``functools:partial`` too. To allow a name is to
    let a stranger call it, with any arguments, and the hooks of that class, such as
    ``__setstate__``. A partial may only be of a function that is allowed.

    The pickle can change only the objects that it makes; it imports nothing that is not
    allowed; what follows its end is not read, as with `pickle.loads`.

    Args:
        data: The pickle: bytes or another buffer.
        allow: Names as ``"module:qualname"``, exactly as the class or function calls itself;
            `NUMPY` has those of numpy. None by default.
        buffers: The buffers of a pickle that was made with ``buffer_callback``, in order.
        limits: What it may take; ``Limits()`` by default. ``max_bytes`` is for the pickle,
            its buffers, and what constructors copy.

    Returns:
        The object, equal to that of `pickle.loads`.

    Raises:
        ForbiddenGlobal: It has a name that is not allowed; ``.module`` and ``.name`` say which.
        DecodeError: It is damaged, does what it must not, or is beyond a limit; ``.offset``
            says at which byte. An exception of an object's own hook is its cause.
        TypeError: An argument is of a wrong type.
        ValueError: A name in ``allow`` is malformed, or would let a pickle do anything.

    Example:
        >>> import pickle
        >>> load_pickle(pickle.dumps({"when": [1, 2]}))
        {'when': [1, 2]}
    """
    from interlock.serialize.pickles.machine import Machine
    from interlock.serialize.pickles.names import Names

    if limits is None:
        limits = Limits()
    if not isinstance(limits, Limits):
        raise TypeError(f"limits is interlock.serialize.Limits(...), not {limits!r:.100}")
    names = Names(allow)
    size = memoryview(data).nbytes
    if size > limits.max_bytes:
        raise DecodeError(
            f"A pickle of {size} bytes is longer than {limits.max_bytes} (max_bytes). Nothing "
            "was made of it. If the sender is known to send such, give "
            "limits=Limits(max_bytes=...).",
            offset=limits.max_bytes,
        )
    content = data if type(data) is bytes else bytes(data)
    machine = Machine(content, names, buffers, limits)
    result = machine.run()
    _check_depth(result, machine.building, limits.max_depth, size)
    return result


def _check_depth(result: Any, building: Building, most: int, size: int) -> None:
    """Goes down level by level through what the stream made, from the whole to its parts."""
    import gc

    level, seen, depth = [result], {id(result)}, 0
    while level:
        depth += 1
        if depth > most:
            raise DecodeError(
                f"The object of the pickle is nested more than {most} deep (max_depth). It was "
                "given up. If the sender is known to send such, give limits=Limits(max_depth=...).",
                offset=size,
            )
        below = []
        pending = gc.get_referents(*level)
        while pending:
            opened = []
            for value in pending:
                if id(value) in seen:
                    continue
                if building.is_made(value) or type(value) in (tuple, frozenset):
                    seen.add(id(value))
                    below.append(value)
                elif type(value) is dict:  # of an instance: no level of its own
                    seen.add(id(value))
                    opened.append(value)
            pending = gc.get_referents(*opened)
        level = below
