"""An error of the server, there and back, without pickle (P4, P6).

It travels as plain values: the name of its class, arguments, attributes, text and traceback. The
client makes one of the same class if that is Python's own, one of `interlock.errors` or of
`queue`, or was allowed by `allow_error`; nothing is imported because a message names it. Otherwise
it is a `RemoteError`.
"""

from __future__ import annotations

import builtins
import queue
import traceback
from typing import Any

from interlock import errors
from interlock.errors import DecodeError, SerializationError
from interlock.managers.wire.values import Packed, pack, unpack
from interlock.serialize.exceptions import RemoteError

__all__ = ["RemoteTraceback", "allow_error", "pack_fault", "unpack_fault"]

_TEXT_MAX = 20_000  # characters of a traceback; the end of it tells most
_NOTES_MAX = 20  # and errors of a group
_FILES = frozenset(("filename", "filename2"))
_OF_OS_ERRORS = _FILES | {"errno", "strerror"}
Fault = tuple[str, str, str, list[str], tuple[Any, ...], dict[str, Any]]
_allowed: dict[str, type[Exception]] = {}


class RemoteTraceback(Exception):
    """The traceback of an error of another process; it is that error's cause."""

    def __str__(self) -> str:
        return f'\n"""\n{self.args[0]}"""' if self.args else ""


def allow_error(cls: type[Exception]) -> type[Exception]:
    """Let errors of that class arrive as themselves; a decorator for classes of a program.

    An object of it is made without its constructor, of its arguments and attributes.

    Raises:
        TypeError: It is no class of exceptions.
    """
    given: Any = cls
    if not isinstance(given, type) or not issubclass(given, Exception):
        raise TypeError(f"allow_error() takes a class of exceptions, not {cls!r}")
    _allowed[_name(cls)] = cls
    return cls


def pack_fault(error: BaseException, *, hide_traceback: bool = False) -> Packed:
    """An error as a value; what of it cannot travel is left out."""
    fault = _fault(error, hide_traceback)
    for shape in (fault, (*fault[:5], {}), (*fault[:4], (fault[1],), {})):
        try:
            return pack(shape, buffers_max=1)
        except (SerializationError, ValueError, TypeError, RecursionError):
            continue  # with less of it
    return pack((_name(type(error)), "(its text cannot be had)", "", [], (), {}))


def _fault(error: BaseException, hide_traceback: bool) -> Fault:
    text = "" if hide_traceback else "".join(traceback.format_exception(error))[-_TEXT_MAX:]
    notes = [str(note)[:_TEXT_MAX] for note in getattr(error, "__notes__", ())][:_NOTES_MAX]
    args, state = error.args, {**vars(error)}
    state.pop("__notes__", None)
    if type(error) is ExceptionGroup:
        parts = [_fault(each, hide_traceback) for each in error.exceptions[:_NOTES_MAX]]
        args = (error.message, [(*part[:2], "", *part[3:]) for part in parts])
    elif isinstance(error, OSError):  # has what is in neither of the two
        names = _OF_OS_ERRORS - (_FILES if hide_traceback else set())
        state |= {name: had for name in names if (had := getattr(error, name)) is not None}
    return _name(type(error)), _said(error), text, notes, args, state


def unpack_fault(data: bytes, buffers: list[memoryview]) -> Exception:
    """The error that `pack_fault` was given.

    Raises:
        DecodeError: The bytes are none of that.
    """
    fault = unpack(data, buffers)
    if not _is_fault(fault):
        raise DecodeError("What came as an error is none; nothing was made of it.", path="$")
    return _error(fault)


def _error(fault: Fault) -> Exception:
    name, said, text, notes, args, state = fault
    error = _made(name, said, args, state)
    for note in notes:
        BaseException.add_note(error, note)
    if text:
        error.__cause__ = RemoteTraceback(text)
    return error


def _is_fault(fault: Any) -> bool:
    return (
        type(fault) is tuple
        and [type(part) for part in fault] == [str, str, str, list, tuple, dict]
        and all(type(note) is str for note in fault[3])
        and all(type(name) is str and not name.startswith("__") for name in fault[5])
    )


def _made(name: str, said: str, args: tuple[Any, ...], state: dict[str, Any]) -> Exception:
    cls = _class_of(name)
    try:
        if cls is None:
            raise LookupError(name)
        if cls is ExceptionGroup:
            message, parts = args
            error: Exception = ExceptionGroup(message, [_error(part) for part in map(_part, parts)])
        elif cls.__module__ == "builtins":
            error = cls(*args)
        else:
            error = cls.__new__(cls, *args)
            BaseException.__setattr__(error, "args", args)
        if isinstance(error, OSError):
            for each in _OF_OS_ERRORS & state.keys():
                BaseException.__setattr__(error, each, state.pop(each))
        error.__dict__.update(state)
        return error
    except Exception:  # its class is not known here, or it is not made of these
        return RemoteError(f"{name}: {said}", name)


def _part(fault: Any) -> Fault:
    if not _is_fault(fault):
        raise TypeError("a part of a group is no error")
    made: Fault = fault
    return made


def _class_of(name: str) -> type[Exception] | None:
    """Found in what is here already, never by an import."""
    module, _, called = name.rpartition(".")
    if name in _allowed:
        return _allowed[name]
    places = {"builtins": builtins, "interlock.errors": errors, "queue": queue, "_queue": queue}
    found = getattr(places.get(module), called, None) if called.isidentifier() else None
    if isinstance(found, type) and issubclass(found, Exception) and _name(found) == name:
        return found
    return None


def _name(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _said(error: BaseException) -> str:
    try:
        return str(error)[:_TEXT_MAX]
    except Exception:  # a __str__ of its own
        return "(its text cannot be had)"
