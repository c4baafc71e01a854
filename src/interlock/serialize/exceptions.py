"""An exception with its arguments, state, notes, cause and traceback, there and back (P6).

Pickle's own way calls ``cls(*args)`` and forgets cause and context; a constructor that takes other
arguments than it passes on then raises in the receiver. So each exception of the chain is tried
out where it was raised. One that does not come back as itself travels as class, arguments and
state, and is built without its constructor; one whose class the receiver cannot import arrives as
`RemoteError`.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from interlock.errors import InterlockError
from interlock.serialize.encoding import dumps, loads

__all__ = ["RemoteError", "pack_exception", "unpack_exception"]

_CHAIN_MAX = 32  # exceptions of one chain; what is beyond is in the text


class RemoteError(InterlockError):
    """An exception of another process, whose class cannot be had here.

    Attributes:
        kind: The full name of its class.
    """

    def __init__(self, message: str, kind: str = "") -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type[RemoteError], tuple[str, str]]:
        return type(self), (str(self), self.kind)


def pack_exception(error: BaseException) -> bytes:
    """The exception and its chain, for `unpack_exception`; never raises."""
    text = "".join(traceback.format_exception(error))
    chain: list[BaseException] = [error]
    nodes = []
    for each in chain:
        links = []
        for other in (each.__cause__, each.__context__):
            if other is None:
                links.append(-1)
                continue
            known = next((i for i, seen in enumerate(chain) if seen is other), -1)
            if known < 0 and len(chain) < _CHAIN_MAX:
                chain.append(other)
                known = len(chain) - 1
            links.append(known)
        nodes.append((*_packed(each), *links, each.__suppress_context__))
    return dumps([text, nodes], trust="process")


def unpack_exception(
    data: bytes, remote_traceback: Callable[[str], BaseException]
) -> BaseException:
    """The exception that `pack_exception` was given.

    Args:
        data: What it returned.
        remote_traceback: Makes of the text of the traceback the exception that shows it; it
            becomes the cause, or the cause of the last cause.
    """
    text, nodes = loads(data, trust="process")
    chain = [_unpacked(*node[:4]) for node in nodes]
    for error, (*_, cause, context, suppressed) in zip(chain, nodes, strict=True):
        if context >= 0:
            _set(error, "__context__", chain[context])
        if cause >= 0:
            _set(error, "__cause__", chain[cause])
        _set(error, "__suppress_context__", suppressed)
    last, seen = chain[0], {id(chain[0])}
    while last.__cause__ is not None and id(last.__cause__) not in seen:
        last = last.__cause__
        seen.add(id(last))
    _set(last, "__cause__", remote_traceback(f'\n"""\n{text}"""'))
    return chain[0]


def _packed(error: BaseException) -> tuple[bytes | None, bytes | None, str, str]:
    """By pickle where that gives the same again, else in parts, and in words."""
    kind = type(error)
    name = f"{kind.__module__}.{kind.__qualname__}"
    whole = parts = None
    try:
        whole = dumps(error, trust="process")
        back = loads(whole, trust="process")
        if type(back) is not kind or str(back) != str(error):
            whole = None
    except BaseException:  # its own code may raise anything: the next way is tried
        whole = None
    if whole is None:
        parts = _in_parts(error)
    return whole, parts, name, _said(error)


def _in_parts(error: BaseException) -> bytes | None:
    for state in (vars(error), _sendable(vars(error)), {}):
        try:
            return dumps((type(error), error.args, state), trust="process")
        except BaseException:  # a part that cannot travel is left out
            continue
    return None


def _sendable(state: dict[str, Any]) -> dict[str, Any]:
    kept = {}
    for name, value in state.items():
        try:
            dumps(value, trust="process")
        except Exception:  # what cannot travel is left out
            continue
        kept[name] = value
    return kept


def _unpacked(whole: bytes | None, parts: bytes | None, name: str, said: str) -> BaseException:
    error: BaseException
    try:
        if whole is not None:
            error = loads(whole, trust="process")
            return error
        if parts is not None:
            kind, args, state = loads(parts, trust="process")
            error = kind.__new__(kind, *args)
            _set(error, "args", args)
            error.__dict__.update(state)
            return error
    except BaseException:  # its class is not here, or its own code failed
        pass_on = f"{name}: {said}"
        return RemoteError(pass_on, name)
    return RemoteError(f"{name}: {said}", name)


def _set(error: BaseException, name: str, value: object) -> None:
    """Past a `__setattr__` of its own, such as a frozen dataclass has."""
    BaseException.__setattr__(error, name, value)


def _said(error: BaseException) -> str:
    try:
        return str(error)
    except BaseException:  # a __str__ of its own
        return "(its text cannot be had)"
