"""What stands on the symbolic stack for an object.

Constants stand for themselves; a list is a list and a tuple a tuple of such values. They
are never hashed and never compared: a tuple of a hundred bytes may have 2**40 leaves.
"""

from __future__ import annotations

__all__ = ["Accessor", "Imported", "Made", "Members", "Pairs", "Unknown", "Value"]

Value = object


class Pairs:
    """A dict: its keys and values in turn."""

    __slots__ = ("flat",)

    def __init__(self, flat: list[Value]) -> None:
        self.flat = flat


class Members:
    """A set or a frozenset: its members in order of their adding."""

    __slots__ = ("frozen", "items")

    def __init__(self, items: list[Value], *, frozen: bool) -> None:
        self.items = items
        self.frozen = frozen


class Imported:
    """What a loader would find by a name."""

    __slots__ = ("name", "text")

    def __init__(self, name: str, text: str) -> None:
        self.name = name  # "module:qualname"; empty where it is not known
        self.text = text


class Accessor(Imported):
    """`builtins.getattr`, by which pickles name what is within a class.

    It is no concern as long as it is called at once, with a class and the name of
    something registered; whatever else takes it from the stack is.
    """

    __slots__ = ()


class Made:
    """What a call would return."""

    __slots__ = ("maker", "text")

    def __init__(self, maker: Imported | None, text: str) -> None:
        self.maker = maker  # what was called, where that is a name
        self.text = text


class Unknown:
    """What cannot be known; the text says what it is."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text
