"""Symbolic values as Python text: one bounded line that no terminal obeys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from interlock.serialize.pickles.static.values import (
    Imported,
    Made,
    Members,
    Pairs,
    Unknown,
    Value,
)

__all__ = ["argument_text", "clipped", "dotted", "shown"]

TEXT_MAX = 2000  # characters of one value, about
STRING_MAX = 1000  # characters of one str or bytes
DEPTH_MAX = 20
NAME_MAX = 200
BITS_MAX = 2000  # of an int; Python refuses to write much longer ones


def shown(value: Value) -> str:
    """The value as Python text; what is too much is left out: ``...``."""
    return _Rendering().text(value, 0)


def argument_text(arguments: Value, keywords: Value = None) -> str:
    """The arguments of a call, as they would stand between its brackets."""
    rendering = _Rendering()
    if type(arguments) is tuple:
        parts = list(rendering.each(arguments, 1))
    else:
        parts = [f"*{rendering.text(arguments, 1)}"]
    if isinstance(keywords, Pairs):
        parts += rendering.keywords(keywords.flat)
    elif keywords is not None:
        parts.append(f"**{rendering.text(keywords, 1)}")
    return ", ".join(parts)


def dotted(module: str, name: str) -> str:
    """``module.name``; with quotes around what is no name, so that it cannot pose as another."""
    return f"{_name(module)}.{_name(name)}"


def _name(text: str) -> str:
    plain = all(part.isidentifier() and part.isascii() for part in text.split("."))
    return text if plain and len(text) <= NAME_MAX else _string(text, NAME_MAX)


def clipped(text: str, most: int) -> str:
    """The text, or its beginning and ``...``."""
    return text if len(text) <= most else f"{text[:most]}..."


def _string(value: str | bytes | bytearray, most: int = STRING_MAX) -> str:
    if len(value) <= most:
        return repr(value)
    unit = "characters" if isinstance(value, str) else "bytes"
    return f"{value[:most]!r}... ({len(value)} {unit})"


class _Rendering:
    """The text of one value, and how much room it still has."""

    def __init__(self) -> None:
        self._room = TEXT_MAX

    def text(self, value: Value, depth: int) -> str:
        """The value; ``...`` once the room is used up."""
        if self._room <= 0 or depth > DEPTH_MAX:
            return "..."
        text = self._container(value, depth)
        if text is None:
            text = _atom(value)
            self._room -= len(text)
        return text

    def each(self, values: Iterable[Value], depth: int) -> Iterator[str]:
        """The texts of values, until the room is used up."""
        for value in values:
            self._room -= 2
            text = self.text(value, depth)
            yield text
            if self._room <= 0:
                if text != "...":
                    yield "..."
                return

    def keywords(self, flat: list[Value]) -> Iterator[str]:
        """``name=value`` for the items of a dict of keyword arguments."""
        for at in range(0, len(flat), 2):
            key = flat[at]
            name = key if type(key) is str and key.isidentifier() else self.text(key, 1)
            self._room -= len(name)
            yield f"{clipped(name, NAME_MAX)}={self.text(flat[at + 1], 1)}"
            if self._room <= 0:
                if at + 2 < len(flat):
                    yield "..."
                return

    def _container(self, value: Value, depth: int) -> str | None:
        if isinstance(value, tuple):
            inner = ", ".join(self.each(value, depth + 1))
            return f"({inner},)" if len(value) == 1 else f"({inner})"
        if isinstance(value, list):
            return f"[{', '.join(self.each(value, depth + 1))}]"
        if isinstance(value, Pairs):
            return f"{{{', '.join(self._items(value.flat, depth + 1))}}}"
        if isinstance(value, Members):
            inner = f"{{{', '.join(self.each(value.items, depth + 1))}}}"
            if value.frozen:
                return f"frozenset({inner if value.items else ''})"
            return inner if value.items else "set()"
        return None

    def _items(self, flat: list[Value], depth: int) -> Iterator[str]:
        for at in range(0, len(flat), 2):
            key = self.text(flat[at], depth)
            yield f"{key}: {self.text(flat[at + 1], depth)}"
            self._room -= 4
            if self._room <= 0:
                if at + 2 < len(flat):
                    yield "..."
                return


def _atom(value: Value) -> str:
    if isinstance(value, Imported | Unknown):
        return value.text
    if isinstance(value, Made):
        return clipped(value.text, STRING_MAX)
    if isinstance(value, str | bytes | bytearray):
        return _string(value)
    if isinstance(value, int) and value.bit_length() > BITS_MAX:
        return f"<an int of {value.bit_length()} bits>"
    return repr(value)
