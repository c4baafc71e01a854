"""What to say when an object cannot be serialized: what, where, why, and what to do (P6)."""

from __future__ import annotations

import pickle
from types import FunctionType
from typing import Any

from interlock.errors import (
    AttributeSerializationError,
    SerializationError,
    TypeSerializationError,
)
from interlock.serialize.inspection.guilty import Guilty

__all__ = ["NOT_REGISTERED", "advice", "advice_untrusted", "kind_of", "refusal", "refuse"]

# What `pickle` raises; subclasses are a hook's own.
_REFUSALS = (pickle.PicklingError, pickle.PickleError, TypeError, AttributeError)

_ANEW = "leave it out in __getstate__ and make a new one in __setstate__"
_BY_NAME = "define it at the top level of a module that the other process can import."

# By the name of the type, or of the first of its bases that is here.
_ADVICE = {
    "_thread.lock": f"{_ANEW}; a lock for several processes is a context's Lock().",
    "_thread.RLock": f"{_ANEW}; a lock for several processes is a context's RLock().",
    "threading.Condition": f"{_ANEW}; one for several processes is a context's Condition().",
    "threading.Event": f"{_ANEW}; one for several processes is a context's Event().",
    "threading.Thread": f"{_ANEW}; a thread lives in one process.",
    "_io._IOBase": "send the file's name and open it on the other side, or send its contents.",
    "builtins.function": _BY_NAME,
    "builtins.type": _BY_NAME,
    "builtins.generator": "send what it yields: list(...).",
    "builtins.coroutine": "send the function and its arguments, and await it on the other side.",
    "builtins.module": "send its name and import it on the other side.",
    "builtins.frame": "send its text: traceback.format_stack(...).",
    "builtins.traceback": "send its text: traceback.format_tb(...).",
    "weakref.ReferenceType": "send what it refers to.",
    "sqlite3.Connection": "send what it takes to connect, and connect on the other side.",
}
NOT_REGISTERED = "its type is not registered"  # as the codec says it (native/codec)
_REGISTER = (
    'under trust="registered" only plain values and registered types travel. Decorate the '
    "class with @interlock.serializable, or call interlock.register() for it."
)
_OTHERWISE = f"{_ANEW}, or say by __reduce__ how it travels."


def refusal(error: Exception, obj: Any, guilty: Guilty | None) -> Exception:
    """The exception that the caller is to see when pickling ``obj`` raised ``error``.

    Args:
        error: What `pickle` or a hook raised.
        obj: What was to be pickled.
        guilty: The part that refused, if it was found.

    Returns:
        A SerializationError where `pickle` refused a part; a TypeError or an
        AttributeError, raised by `pickle` or by a hook of the object, becomes one that
        is both. Any other is the hook's own and stays as it is, with a note that
        gives the path.
    """
    if type(error) not in _REFUSALS:
        if guilty is not None and guilty.raised is type(error):
            error.add_note(f"Raised while {guilty.path} ({kind_of(guilty.part)}) was serialized.")
        return error
    path = None if guilty is None else guilty.path
    return _class_for(error)(_message(error, obj, guilty), path=path)


def refuse(part: Any, reason: str | None, path: str, size: int) -> SerializationError:
    """The exception for what may not travel to a side that is not trusted; the codec's to raise.

    Args:
        part: What may not travel.
        reason: Why; None where the message as a whole is too large.
        path: Where it is.
        size: Of the message, in bytes, as far as it was written.
    """
    if reason is None:
        return SerializationError(
            f"A message of {size} bytes is larger than the limit max_bytes of its channel, so it "
            "was not sent. Send it in parts, or raise the limit on both sides: "
            "limits=interlock.serialize.Limits(max_bytes=...).",
            path=path,
        )
    return SerializationError(
        f"Cannot serialize {path} ({kind_of(part)}): {reason}. Nothing was sent. "
        f"What to do: {advice_untrusted(part, reason)}",
        path=path,
    )


def advice_untrusted(part: Any, reason: str) -> str:
    """What to do about a part that may not travel to a side that is not trusted."""
    if reason == NOT_REGISTERED:
        return _known_advice(part) or _REGISTER
    if "(max_" in reason:
        return (
            "send less, or raise the limit on both sides: limits=interlock.serialize.Limits(...)."
        )
    return "register its type so that it is made before its parts: @interlock.serializable."


def _class_for(error: Exception) -> type[SerializationError]:
    if isinstance(error, TypeError):
        return TypeSerializationError
    if isinstance(error, AttributeError):
        return AttributeSerializationError
    return SerializationError


def _message(error: Exception, obj: Any, guilty: Guilty | None) -> str:
    reason = str(error).rstrip(".") or type(error).__name__
    if guilty is None:
        return f"Cannot serialize $ ({kind_of(obj)}) or a part of it: {reason}. Nothing was sent."
    return (
        f"Cannot serialize {guilty.path} ({kind_of(guilty.part)}): {reason}. "
        f"Nothing was sent. What to do: {advice(guilty)}"
    )


def kind_of(part: Any) -> str:
    """``_thread.lock``; for what has a name of its own, ``function app.handle``."""
    if isinstance(part, FunctionType | type):
        return f"{type(part).__name__} {part.__module__}.{part.__qualname__}"
    return _name(type(part)).removeprefix("builtins.")


def _name(kind: type) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def advice(guilty: Guilty) -> str:
    """What to do about a guilty part: or, as a lock is part of an Event, about the whole of it."""
    known = _known_advice(guilty.part) or _OTHERWISE
    for whole in reversed(guilty.around):
        of_whole = _known_advice(whole)
        if of_whole is None:
            break
        known = of_whole
    return known


def _known_advice(part: Any) -> str | None:
    names = map(_name, type(part).__mro__)
    return next((_ADVICE[name] for name in names if name in _ADVICE), None)
