"""Looks at an object as pickle protocol 5 does: each hook is asked once."""

from __future__ import annotations

import copyreg
import io
import pickle
import sys
from collections.abc import Callable, Sequence
from multiprocessing.reduction import ForkingPickler
from typing import Any

from interlock.serialize import registry
from interlock.serialize.codec import BUFFER_MIN, all_reducers
from interlock.serialize.inspection.guilty import Guilty
from interlock.serialize.inspection.hooks import Refused, children, reduction
from interlock.serialize.inspection.views import Looked, Weight
from interlock.serialize.refusal import advice
from interlock.serialize.tensors import restore_by_dlpack

__all__ = ["Pickled"]

_OWN = ("__getnewargs_ex__", "__getnewargs__", "__getstate__", "__setstate__")
_ANSWER = 2, 6  # parts of what __reduce__ returns
_FORKING: dict[type, Callable[[Any], Any]] = ForkingPickler._extra_reducers  # type: ignore[attr-defined]


class Pickled:
    """The view of a message that is a pickle."""

    carrier = "pickle"

    def __init__(self) -> None:
        self._reducers = all_reducers()
        self._answers: dict[int, tuple[Any, ...]] = {}
        self._kept: list[Any] = []  # so that no other object takes its number

    def look(self, part: Any) -> Looked:
        """What its hook says; asked once for each part."""
        made = reduction(part, self._reducers)
        if isinstance(made, tuple):
            made = self._keep(part, made)
        parts = () if _is_number_type(part) else children(part, made)
        return Looked(self._hook(part, made), _detail(made), parts)

    def weigh_first(self, obj: Any) -> Weight | None:
        """Not before: each hook is asked once, and while the object is gone over."""
        return None

    def weigh(self, part: Any) -> Weight:
        """The length of its pickle, for which the hooks' answers are used again."""
        file = io.BytesIO()
        aside = 0

        def stays_in(buffer: pickle.PickleBuffer) -> bool:
            nonlocal aside
            size = buffer.raw().nbytes
            aside += size if size >= BUFFER_MIN else 0
            return size < BUFFER_MIN

        pickler = _Repeating(file, 5, buffer_callback=stays_in)
        pickler.dispatch_table = self._reducers
        pickler.answers = self._answers
        pickler.dump(part)
        return len(file.getvalue()), aside

    def advise(self, path: str, around: Sequence[Any], part: Any, error: Exception) -> str:
        """As the error of `put` would say it."""
        return advice(Guilty(path, part, str(error), type(error), tuple(around)))

    def _hook(self, part: Any, made: Any) -> str:
        kind = type(part)
        if made is None:
            return "pickle"
        if kind in self._reducers:
            return self._table_of(kind)
        if isinstance(made, str):
            return "by name"
        if made[0] is restore_by_dlpack:
            return "__dlpack__"
        for name in ("__reduce_ex__", "__reduce__"):
            if getattr(kind, name) is not getattr(object, name):
                return name
        own = [name for name in _OWN if getattr(kind, name, None) != getattr(object, name, None)]
        return " + ".join(own) or "object.__reduce_ex__"

    def _table_of(self, kind: type) -> str:
        reducer = self._reducers[kind]
        for table, name in (
            (_FORKING, "ForkingPickler.register"),
            (copyreg.dispatch_table, "copyreg"),
            (registry.reducers, "registered"),
        ):
            if table.get(kind) is reducer:
                return name
        return "built in"

    def _keep(self, part: Any, made: tuple[Any, ...]) -> tuple[Any, ...]:
        """With lists for its iterators, which are gone through more than once."""
        if not callable(made[0]) or not isinstance(made[1], tuple):
            raise Refused("__reduce__ must return a function and a tuple of its arguments")
        whole = (*made, None, None, None, None)[: _ANSWER[1]]
        function, arguments, state, items, pairs, setter = whole
        listed = (
            function,
            arguments,
            state,
            None if items is None else list(items),
            None if pairs is None else list(pairs),
            setter,
        )
        self._answers[id(part)] = listed
        self._kept.append((part, listed))
        return listed


class _Repeating(pickle.Pickler):
    """Gives the answers that hooks gave before."""

    answers: dict[int, tuple[Any, ...]]

    def reducer_override(self, obj: Any) -> Any:
        answer = self.answers.get(id(obj))
        if answer is None:
            return NotImplemented
        function, arguments, state, items, pairs, setter = answer
        return (
            function,
            arguments,
            state,
            None if items is None else iter(items),
            None if pairs is None else iter(pairs),
            setter,
        )


def _is_number_type(part: Any) -> bool:
    """A dtype of numbers, whose twelve parts tell nobody anything."""
    numpy: Any = sys.modules.get("numpy")
    return numpy is not None and isinstance(part, numpy.dtype) and part.isbuiltin == 1


def _detail(made: Any) -> str:
    if isinstance(made, str):
        return made
    if not isinstance(made, tuple) or made[0] in (copyreg.__newobj__, copyreg.__newobj_ex__):  # type: ignore[attr-defined]
        return ""
    function = made[0]
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"calls {getattr(function, '__module__', None) or type(function).__module__}.{name}"
