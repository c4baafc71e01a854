"""Whether an argument is of the type that a method declares, with the path to what is not (P6).

The descriptions are those of `interlock.serialize.fields`, by which the codec checks the fields of
objects as it makes them; arguments are looked at here, when they are made.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from interlock.serialize.fields import Description

__all__ = ["Misfit", "misfit"]

WORK_MAX = 1_000_000  # parts; shared ones are counted as often as they are met


class Misfit(NamedTuple):
    """What is not as declared.

    Attributes:
        path: Where it is.
        expected: What belongs there.
        found: The type of what is there.
    """

    path: str
    expected: str
    found: str


def misfit(value: Any, check: Description, path: str) -> Misfit | None:
    """The innermost part of a value that is not as declared; None if it fits."""
    return _Look().at(value, check, path)


class _Look:
    def __init__(self) -> None:
        self._left = WORK_MAX

    def at(self, value: Any, check: Description, path: str) -> Misfit | None:
        self._left -= 1
        text, what, *parts = check
        kind = type(value)
        if self._left < 0:
            return Misfit(path, f"{text} of at most {WORK_MAX} parts", kind.__name__)
        if what == "union":
            return self._union(value, text, parts, path)
        if what in _ITEMS:
            wanted = _ITEMS[what]
            if not isinstance(value, wanted):
                return Misfit(path, text, kind.__name__)
            return self._items(value, what, text, parts, path)
        fits = (
            (what == "any")
            or (what == "int" and isinstance(value, int) and kind is not bool)
            or (what == "float" and isinstance(value, int | float) and kind is not bool)
            or (what == "type" and isinstance(value, tuple(parts)))
            or (what == "literal" and any(_is_same(value, each) for each in parts))
        )
        return None if fits else Misfit(path, text, kind.__name__)

    def _union(self, value: Any, text: str, parts: list[Any], path: str) -> Misfit | None:
        deeper = None
        for part in parts:
            found = self.at(value, part, path)
            if found is None:
                return None
            if found.path != path:
                deeper = found
        return deeper or Misfit(path, text, type(value).__name__)

    def _items(
        self, value: Any, what: str, text: str, parts: list[Any], path: str
    ) -> Misfit | None:
        if what == "dict":
            for key, each in value.items():
                found = self.at(key, parts[0], f"{path}[key {_shown(key)}]") or self.at(
                    each, parts[1], f"{path}[{_shown(key)}]"
                )
                if found:
                    return found
            return None
        if what == "tuple":
            if len(value) != len(parts):
                return Misfit(path, text, f"tuple of {len(value)}")
            pairs = zip(value, parts, strict=True)
        else:
            pairs = zip(value, [parts[0]] * len(value), strict=True)
        for index, (each, part) in enumerate(pairs):
            found = self.at(each, part, f"{path}[{index}]")
            if found:
                return found
        return None


_ITEMS: dict[str, type] = {
    "list": list,
    "tuple of": tuple,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
}


def _is_same(value: Any, literal: Any) -> bool:
    return type(value) is type(literal) and bool(value == literal)


def _shown(key: Any) -> str:
    return repr(key) if isinstance(key, str | int) and len(repr(key)) < 50 else type(key).__name__
