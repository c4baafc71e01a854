"""How much work a stranger's value may make of a function that it is given to (P4).

A tuple that holds a tuple twice, that holds a tuple twice ... takes 2n bytes and has 2**n ways
through it. The codec bounds what it hashes and checks itself; a registered function that hashes,
prints or walks through its state must take care of itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["check_unfolded", "shown"]

_ATOMS = (type(None), bool, float)
_SHOWN_MAX = 100  # characters
_UNFOLDED_MAX = 1 << 20
_UNFOLDED_PER_PART = 64  # honest messages share too


def shown(value: Any) -> str:
    """A value in the text of an error: as it is where it is short, otherwise its type."""
    if type(value) in _ATOMS or (type(value) is int and value.bit_length() <= _SHOWN_MAX):
        return repr(value)
    if type(value) is str:
        return repr(value[:_SHOWN_MAX])
    return f"a {type(value).__name__}"


def check_unfolded(state: Any) -> None:
    """Let pass what has few parts even if each is counted as often as it is referred to.

    Args:
        state: A plain value that is to be walked through by what does not notice sharing.

    Raises:
        ValueError: It has far more ways through it than parts.
    """
    sizes: dict[int, int] = {}  # of a part within itself 1, until it is known
    stack: list[tuple[Any, bool]] = [(state, False)]
    while stack:
        part, is_walked = stack.pop()
        if is_walked:
            sizes[id(part)] = 1 + sum(sizes.get(id(each), 1) for each in _parts(part))
        elif id(part) not in sizes:
            sizes[id(part)] = 1
            stack.append((part, True))
            stack.extend((each, False) for each in _parts(part) if _holds_parts(each))
    if sizes[id(state)] > _UNFOLDED_MAX + _UNFOLDED_PER_PART * len(sizes):
        raise ValueError("its parts are shared so often that it takes too much work to look at")


def _holds_parts(part: Any) -> bool:
    return isinstance(part, list | tuple | dict | set | frozenset)


def _parts(part: Any) -> Iterable[Any]:
    if isinstance(part, dict):
        return (*part, *part.values())
    return part if _holds_parts(part) else ()
