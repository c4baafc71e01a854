"""`explain`: goes over an object, part by part, and notes what becomes of each."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from interlock import _native
from interlock.errors import SerializationError
from interlock.serialize.inspection.encoded import Encoded
from interlock.serialize.inspection.explanation import Explanation, Part
from interlock.serialize.inspection.hooks import ATOMS
from interlock.serialize.inspection.pickled import Pickled
from interlock.serialize.inspection.views import View
from interlock.serialize.limits import Limits
from interlock.serialize.refusal import kind_of
from interlock.serialize.trust import Trust, bounds_of

__all__ = ["explain"]

PARTS_MAX = 10_000
WEIGHING_MAX_S = 1.0
_SIDE_BY_SIDE = 4  # plain parts of one type, from this many on, are told as one

# Parts that are not told when nothing is wrong with them: the class is told as the type, the
# function as the detail.
_TOLD_ELSEWHERE = frozenset({"<class>", "<function>"})


def explain(
    obj: Any,
    *,
    trust: Trust = "process",
    limits: Limits | None = None,
    parts_max: int = PARTS_MAX,
) -> Explanation:
    """Tell how an object would become bytes: each part, which hook decides, and what refuses.

    The hooks of the parts are called, those of pickle once each, and functions that were
    registered for a type several times; nothing is sent.

    Args:
        obj: Any object.
        trust: For whom; as for a queue or a pipe.
        limits: What the other side allows, as for a queue or a pipe.
        parts_max: How many parts to tell of.

    Returns:
        A tree; ``print`` shows it. Its ``problems`` are all parts that cannot be sent, each with
        its path, the reason, and what to do.

    Raises:
        ValueError, TypeError: trust or limits are others than a queue takes.

    Example:
        >>> import interlock
        >>> print(interlock.explain({"id": 7, "tags": ["a", "b"]}))
        16 bytes by native encoding, under trust="process".
        $: dict, native, 16 bytes
          $['id']: int, native, 1 byte
          $['tags']: list, native, 6 bytes
            $['tags'][0]: str, native, 2 bytes
            $['tags'][1]: str, native, 2 bytes
    """
    bounds = bounds_of(trust, limits)
    view: View = Encoded(bounds) if bounds is not None or _goes_natively(obj) else Pickled()
    # Before the walk, whose own references make parts look shared to the codec.
    whole = view.weigh_first(obj)
    walk = _Walk(view, parts_max)
    root = walk.over(obj)
    walk.weigh_all()
    if whole is not None and root.bytes is not None:
        root.bytes, root.out_of_band = whole
    return Explanation(root, trust, view.carrier, walk.complete)


def _goes_natively(obj: Any) -> bool:
    try:
        return _native.encode(obj, None, []) is not None
    except Exception:
        return True  # the function of a registered type raised; the walk finds which


@dataclass
class _Open:
    """A part whose own parts are being gone over."""

    told: Part
    obj: Any
    children: Iterator[tuple[str, Any]]
    row: list[tuple[str, Any]] = field(default_factory=list)  # plain values of one type


class _Walk:
    """Depth first, with a stack of its own: an object may be nested deeper than Python can be."""

    def __init__(self, view: View, parts_max: int) -> None:
        self._view = view
        self._parts_left = parts_max
        self._seen: dict[int, tuple[Part, Any]] = {}  # with the object: its number stays its own
        self._stack: list[_Open] = []
        self._weighable: list[tuple[Part, Any]] = []
        self._broken: set[int] = set()  # parts that have a part which is refused
        self.complete = True

    def over(self, obj: Any) -> Part:
        """The tree of an object."""
        root = self._enter("$", obj)
        while self._stack:
            top = self._stack[-1]
            child = next(top.children, None)
            if child is not None and self._parts_left > 0:
                self._take(top, *child)
                continue
            self.complete = self.complete and child is None
            self._end_row(top)
            self._stack.pop()
        return root

    def weigh_all(self) -> None:
        """Note the sizes, from the whole to its parts, for as long as there is time."""
        deadline = time.monotonic() + WEIGHING_MAX_S
        for told, obj in self._weighable:
            if id(told) not in self._broken and time.monotonic() < deadline:
                self._weigh(told, obj)

    def _weigh(self, told: Part, obj: Any) -> None:
        try:
            size, aside = self._view.weigh(obj)
            if told.count > 1:  # told as one, weighed in a list
                size -= self._view.weigh([None] * told.count)[0] - told.count
        except Exception as error:
            if told.path == "$":
                self._note(told, error)
            return
        told.bytes, told.out_of_band = size, aside

    def _note(self, root: Part, error: Exception) -> None:
        """What is wrong with the whole, though no hook refused a part of it: a limit, say."""
        path = error.path if isinstance(error, SerializationError) else None
        named = (part for _, part in root.walk() if part.path == path)
        next(named, root).reason = str(error) or type(error).__name__

    def _enter(self, path: str, obj: Any) -> Part:
        """Tell of a part, and go into it next."""
        self._parts_left -= 1
        told = Part(path, kind_of(obj), "")
        if id(obj) in self._seen:
            first = self._seen[id(obj)][0]
            told.same_as, told.hook, told.detail = first.path, first.hook, first.detail
            if id(first) in self._broken:
                self._break()
            return told
        self._seen[id(obj)] = told, obj
        try:
            looked = self._view.look(obj)
            children = list(looked.children)
        except Exception as error:
            self._refuse(told, obj, error)
            return told
        told.hook, told.detail = looked.hook, looked.detail
        self._weighable.append((told, obj))
        self._stack.append(_Open(told, obj, iter(children)))
        return told

    def _refuse(self, told: Part, obj: Any, error: Exception) -> None:
        told.reason = str(error).rstrip(".") or type(error).__name__
        around = [each.obj for each in self._stack]
        told.advice = self._view.advise(told.path, around, obj, error)
        self._broken.add(id(told))
        self._break()

    def _break(self) -> None:
        self._broken.update(id(each.told) for each in self._stack)

    def _take(self, top: _Open, name: str, child: Any) -> None:
        kind = type(child)
        if kind in ATOMS:
            if name.startswith("<key "):
                return  # the path of the value has it
            if top.row and type(top.row[0][1]) is not kind:
                self._end_row(top)
            top.row.append((name, child))
            return
        self._end_row(top)
        told = self._enter(top.told.path + name, child)
        if name not in _TOLD_ELSEWHERE or told.hook != "by name":
            top.told.parts.append(told)

    def _end_row(self, top: _Open) -> None:
        row, top.row = top.row, []
        if len(row) < _SIDE_BY_SIDE:
            for name, value in row:
                self._tell_plain(top.told, name, value)
            return
        whole = self._tell_plain(top.told, row[0][0], [value for _, value in row])
        whole.type = kind_of(row[0][1])
        whole.count, whole.last = len(row), top.told.path + row[-1][0]

    def _tell_plain(self, within: Part, name: str, value: Any) -> Part:
        self._parts_left -= 1
        told = Part(within.path + name, kind_of(value), self._view.look(value).hook)
        self._weighable.append((told, value))
        within.parts.append(told)
        return told
