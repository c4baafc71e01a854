"""Looks at an object as the native codec does: plain types, and registered ones."""

from __future__ import annotations

from collections.abc import Sequence
from pickle import PickleBuffer
from typing import Any

from interlock import _native
from interlock.serialize import members, registry, standard
from interlock.serialize.codec import BUFFER_MIN
from interlock.serialize.inspection.hooks import Children, Refused, items_of
from interlock.serialize.inspection.views import Looked, Weight
from interlock.serialize.refusal import NOT_REGISTERED, advice_untrusted
from interlock.serialize.registration import Registration
from interlock.serialize.trust import Bounds

__all__ = ["Encoded"]

_PLAIN = frozenset(
    {type(None), bool, int, float, complex, str, bytes, bytearray, range, slice, PickleBuffer}
)
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset})
_BY = {
    "record": "by its fields",
    "fields": "by its fields",
    "open": "by its attributes",
    "member": "by its value",
    "function": "by a function",
    "native": "by a C function",
}


class Encoded:
    """The view of a message in the native encoding.

    Args:
        bounds: The limits; None where the other side is trusted.
    """

    carrier = "native"

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds

    def look(self, part: Any) -> Looked:
        """Its registration, if it needs one; a function that encodes it is called."""
        kind = type(part)
        if kind in _PLAIN or standard.has_tag(kind):
            return Looked("native")
        if kind in _CONTAINERS:
            return Looked("native", children=items_of(part))
        registration = registry.find(kind)
        if registration is not None:
            return Looked(_hook(registration), _detail(registration), _parts(registration, part))
        if self._bounds is None and members.travels_by_name(kind):
            return Looked("native", "a member, by name", [(".value", part.value)])
        raise Refused(NOT_REGISTERED)

    def weigh_first(self, obj: Any) -> Weight | None:
        """The length of its encoding; None where that fails, and the walk finds out why."""
        try:
            return self.weigh(obj)
        except Exception:
            return None

    def weigh(self, part: Any) -> Weight:
        """The length of its encoding."""
        if isinstance(part, PickleBuffer):
            return self._weigh_buffer(part)
        buffers: list[Any] = []
        data = _native.encode(part, self._bounds, buffers)
        if data is None:
            raise Refused(NOT_REGISTERED)
        return len(data), sum(memoryview(buffer).nbytes for buffer in buffers)

    def _weigh_buffer(self, buffer: PickleBuffer) -> Weight:
        with buffer.raw() as view:
            if view.nbytes >= BUFFER_MIN:
                return 1, view.nbytes
            return self.weigh(bytes(view))

    def advise(self, path: str, around: Sequence[Any], part: Any, error: Exception) -> str | None:
        """As the error of `put` would say it; what a function raised speaks for itself."""
        return advice_untrusted(part, str(error)) if isinstance(error, Refused) else None


def _hook(registration: Registration) -> str:
    return "registered" if registration.module else "built in"


def _detail(registration: Registration) -> str:
    by = _BY[registration.form]
    return f"{by}, version {registration.version}" if registration.module else by


def _parts(registration: Registration, part: Any) -> Children:
    if registration.form in ("record", "fields"):
        return [(f".{name}", getattr(part, name)) for name in registration.fields]
    if registration.form == "open":
        return [(f".{name}", value) for name, value in part.__dict__.items()]
    if registration.form == "member":
        return [(".value", part.value)]
    if registration.form == "function":
        return [("<state>", registration.encode(part))]
    return ()
