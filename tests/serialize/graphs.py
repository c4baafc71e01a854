"""Object graphs of plain types, made at random, and what of a graph must survive a journey.

What must: types and values to the last bit, the order within dicts, and which part is the same
object as which. `outline` writes all of that down, so that two graphs can be compared with `==`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from hypothesis import strategies as st

# From this length on a text or bytes object that occurs twice travels once. Shorter ones are
# written again, which nobody can tell but by `is`.
SHARED_MIN = 32

# All code points, halves of surrogate pairs included.
TEXTS = st.one_of(
    st.text(max_size=5),
    st.text(st.characters(exclude_categories=()), min_size=0, max_size=40),
    st.text(st.characters(max_codepoint=0x7F), min_size=25, max_size=40),
    st.text(st.sampled_from("\x00\x7f\x80\xff\u0100\ud800\udfff\uffff\U00010000\U0010ffff")),
)
ODD_FLOATS = [0.0, -0.0, float("nan"), float("inf"), float("-inf"), 5e-324, 1.7976931348623157e308]
FLOATS = st.floats() | st.sampled_from(ODD_FLOATS)
# Small ones, those around the ends of each width, and any.
INTS = st.one_of(
    st.integers(-2, 300),
    st.integers(-(2**31) - 2, 2**31 + 2),
    st.builds(
        lambda power, off, sign: sign * (1 << power) + off,
        st.integers(0, 1100),
        st.integers(-1, 1),
        st.sampled_from([-1, 1]),
    ),
)
ATOMS = st.one_of(
    st.none(),
    st.booleans(),
    INTS,
    FLOATS,
    st.builds(complex, FLOATS, FLOATS),
    TEXTS,
    st.binary(max_size=50),
    st.builds(bytearray, st.binary(max_size=50)),
    st.builds(range, INTS, INTS, INTS.filter(bool)),
    st.builds(slice, INTS | st.none(), INTS | st.none(), INTS | st.none()),
)
CONTAINERS = ("tuple", "list", "dict", "set", "frozenset")


@st.composite
def graphs(draw: st.DrawFn) -> Any:
    """A graph whose parts are met several times; lists and dicts may contain themselves."""
    parts: list[Any] = []
    open_parts: list[Any] = []  # those that can still be filled, so also with what comes later
    for _ in range(draw(st.integers(1, 10))):
        kind = draw(st.sampled_from(("atom", *CONTAINERS)))
        if kind == "atom":
            parts.append(draw(ATOMS))
        elif kind in ("list", "dict"):
            parts.append([] if kind == "list" else {})
            open_parts.append(parts[-1])
        else:
            make: Callable[[Iterable[Any]], Any] = {
                "tuple": tuple,
                "set": set,
                "frozenset": frozenset,
            }[kind]
            among = parts if kind == "tuple" else [part for part in parts if is_key(part)]
            parts.append(make(draw(some_of(among, 4))))
    keys = [part for part in parts if is_key(part)]
    for part in open_parts:
        if isinstance(part, list):
            part.extend(draw(some_of(parts, 20)))
        else:
            part.update((key, draw(st.sampled_from(parts))) for key in draw(some_of(keys, 20)))
    return parts[-1] if draw(st.booleans()) else parts


def some_of(parts: list[Any], most: int) -> st.SearchStrategy[list[Any]]:
    """A list of parts that are there, any of them several times."""
    if not parts:
        return st.just([])
    return st.lists(st.sampled_from(parts), max_size=most)


def is_key(part: Any) -> bool:
    """Whether it can be found again in a set: no list within, and no NaN, which equals nothing."""
    try:
        hash(part)
    except TypeError:
        return False
    return "nan" not in text_of(part)


def text_of(part: Any) -> str:
    """Types and values of an atom or of what has only atoms in it, whatever is shared."""
    if isinstance(part, tuple | frozenset):
        inner = [text_of(member) for member in part]
        return f"{type(part).__name__}({', '.join(sort_sets(part, inner))})"
    if isinstance(part, float):
        return f"{part!r} {struct.pack('>d', part).hex()}"
    if isinstance(part, complex):
        return f"complex {text_of(part.real)} {text_of(part.imag)}"
    return f"{type(part).__name__} {part!r}"


def sort_sets(part: Any, inner: list[str]) -> list[str]:
    return sorted(inner) if isinstance(part, set | frozenset) else inner


def outline(root: Any) -> list[str]:
    """What must survive, part by part; a part that was met before is its number."""
    numbers: dict[int, int] = {}
    lines: list[str] = []
    stack: list[Any] = [root]
    while stack:
        part = stack.pop()
        if can_be_shared(part):
            if id(part) in numbers:
                lines.append(f"again {numbers[id(part)]}")
                continue
            numbers[id(part)] = len(numbers)
        if isinstance(part, tuple | list | dict | set | frozenset):
            lines.append(f"{type(part).__name__} of {len(part)}")
            stack.extend(reversed(list(children(part))))
        else:
            lines.append(text_of(part))
    return lines


def children(part: Any) -> Iterator[Any]:
    if isinstance(part, dict):
        for key, value in part.items():
            yield from (key, value)
    elif isinstance(part, set | frozenset):  # they have no order of their own
        yield from sorted(part, key=text_of)
    else:
        yield from part


def can_be_shared(part: Any) -> bool:
    """Whether a program may rely on two references to it staying one object."""
    if isinstance(part, str | bytes):
        return len(part) >= SHARED_MIN
    if isinstance(part, tuple | frozenset):
        return bool(part)  # the empty ones are anybody's
    return isinstance(part, list | dict | set | bytearray)
