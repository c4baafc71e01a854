"""What can be registered and called: a table, nothing that begins with an underscore (P4)."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import interlock
from interlock.errors import BadArgument, DecodeError, NotExposed
from interlock.managers.objects import OPERATORS, Exposed, Registry
from interlock.managers.serving.checks import misfit
from interlock.serialize import dumps, loads
from interlock.serialize.fields import describe


class Base:
    def inherited(self) -> int:
        return 1


class Shape(Base):
    attribute = 3

    def __init__(self, sides: int = 3) -> None:
        self.sides = sides

    def grow(self, by: int, *more: int, label: str = "", **others: float) -> int:
        return self.sides + by

    async def later(self) -> int:
        return self.sides

    @staticmethod
    def fixed(number: int) -> int:
        return number

    @classmethod
    def named(cls) -> str:
        return cls.__name__

    @property
    def area(self) -> int:
        return self.sides

    def _hidden(self) -> None: ...


def exposed(**options: Any) -> Exposed:
    return Registry().register("Shape", Shape, **options)


def test_public_methods_are_exposed_and_nothing_else() -> None:
    """Inherited ones too; no attribute, property, or name with an underscore."""
    entry = exposed()
    assert set(entry.methods) == {"inherited", "grow", "later", "fixed", "named"}
    assert entry.methods["later"].runs == "async"
    assert entry.methods["grow"].runs == "thread"
    assert entry.methods["fixed"].function(Shape(), 4) == 4
    assert entry.methods["named"].function(Shape()) == "Shape"


@pytest.mark.parametrize(
    "name", ["_hidden", "__class__", "__init__", "__reduce_ex__", "__getattribute__", "__dict__"]
)
def test_private_names_cannot_be_registered(name: str) -> None:
    """Written out, or in a mapping: they are refused where they are registered."""
    with pytest.raises(ValueError, match="not exposed"):
        exposed(exposed=[name])
    with pytest.raises(ValueError, match="not exposed"):
        exposed(exposed={name: lambda target: None})


def test_operators_may_be_exposed_by_name() -> None:
    """Those by which containers are used; none that leads to a class or a module."""
    entry = Registry().register("dict", dict, exposed=("__getitem__", "get"), inline=True)
    assert set(entry.methods) == {"__getitem__", "get"}
    assert not {"__class__", "__init__", "__new__", "__reduce__", "__getattribute__"} & OPERATORS


def test_mistakes_of_a_registration_are_told_there() -> None:
    """No class, an unknown method, a typeid twice."""
    registry = Registry()
    with pytest.raises(TypeError, match="cls="):
        registry.register("made", lambda: Shape())
    with pytest.raises(ValueError, match="no method"):
        registry.register("Shape", Shape, exposed=["attribute"])
    with pytest.raises(ValueError, match="exposes no"):
        registry.register("Shape", Shape, inline=["nothing"])
    registry.register("Shape", Shape)
    with pytest.raises(ValueError, match="already"):
        registry.register("Shape", Shape)
    with pytest.raises(NotExposed, match="It has Shape"):
        registry.find("Other")


GOOD: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, 2, 3), {"label": "x", "size": 1.5, "width": 2}),
]
BAD: list[tuple[tuple[Any, ...], dict[str, Any], str]] = [
    ((), {}, "$"),
    (("1",), {}, "$.by"),
    ((True,), {}, "$.by"),
    ((1, 2, "x"), {}, "$.more[1]"),
    ((1,), {"label": 2}, "$.label"),
    ((1,), {"size": "x"}, "$.others['size']"),
]


def test_arguments_are_compared_with_the_hints() -> None:
    """Those of rest parameters one by one; the path says which."""
    method = exposed().methods["grow"]
    for args, kwargs in GOOD:
        method.check(Shape(), args, kwargs)
    for args, kwargs, path in BAD:
        with pytest.raises(BadArgument) as caught:
            method.check(Shape(), args, kwargs)
        assert caught.value.path == path


HINTS: list[Any] = [
    int, float, str, bytes, bool, None, int | None, list[int], dict[str, list[int]],
    tuple[int, str], tuple[int, ...], set[int], frozenset[str], Literal["a", 3],
    list[int | str], collections.abc.Sequence[int], list, dict[str, Any],
]  # fmt: skip
_ATOMS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.just(1.5) | st.sampled_from("a b".split())
)
_HASHABLE = st.integers(-3, 3) | st.sampled_from(["a", "b"])
VALUES = st.recursive(
    _ATOMS,
    lambda parts: (
        st.lists(parts, max_size=3)
        | st.lists(parts, max_size=3).map(tuple)
        | st.dictionaries(_HASHABLE, parts, max_size=2)
        | st.sets(_HASHABLE, max_size=2)
        | st.frozensets(_HASHABLE, max_size=2)
    ),
    max_leaves=6,
)


def by_the_codec() -> dict[int, Callable[[Any], bool]]:
    """For each hint what the codec says of a field that has it."""
    said: dict[int, Callable[[Any], bool]] = {}
    for index, hint in enumerate(HINTS):
        cls = type("Holder", (), {"__annotations__": {"value": hint}, "__module__": __name__})
        interlock.serializable(name=f"tests.managers.Holder{index}")(cls)

        def fits(value: Any, cls: Any = cls) -> bool:
            holder = cls()
            holder.value = value
            try:
                loads(dumps(holder))
            except DecodeError:
                return False
            return True

        said[index] = fits
    return said


CODEC = by_the_codec()


@settings(deadline=None, derandomize=True)
@given(st.integers(0, len(HINTS) - 1), VALUES)
def test_arguments_and_fields_are_held_to_the_same(index: int, value: Any) -> None:
    """What an argument may be is what the codec lets a field with that hint be."""
    check = describe(HINTS[index], object)
    assert check is not None
    assert (misfit(value, check, "$") is None) == CODEC[index](value)


def test_shared_parts_do_not_take_for_ever() -> None:
    """2**60 ways through a small value: it is refused, in a bounded time."""
    hint: Any = int
    value: Any = [1]
    for _ in range(30):
        hint = list[hint]
    for _ in range(29):
        value = [value, value]
    check = describe(hint, object)
    assert check is not None
    found = misfit(value, check, "$")
    assert found is not None
    assert "at most" in found.expected
