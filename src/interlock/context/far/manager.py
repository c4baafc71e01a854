"""Manager on a board: dicts, lists and namespaces that all processes of a cluster share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from interlock.context.far.kept import Kept
from interlock.context.far.line import Line

__all__ = ["FarDict", "FarList", "FarManager", "FarNamespace"]


def _methods(*names: str) -> Callable[[type[Kept]], type[Kept]]:
    """Let a handle have these methods of what it is a handle of."""

    def add(kind: type[Kept]) -> type[Kept]:
        for name in names:
            setattr(kind, name, _method(name))
        return kind

    return add


def _method(name: str) -> Callable[..., Any]:
    def call(self: Kept, /, *args: Any, **kwargs: Any) -> Any:
        return self._do(name, *args, **kwargs)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"As `{name}` of what is kept; one step, as far as other processes see."
    return call


class DictKeeper(dict[Any, Any]):
    """A dict whose views travel as lists, as they do in `multiprocessing`."""

    def keys(self) -> Any:
        """As `dict.keys`, as a list."""
        return list(super().keys())

    def values(self) -> Any:
        """As `dict.values`, as a list."""
        return list(super().values())

    def items(self) -> Any:
        """As `dict.items`, as a list."""
        return list(super().items())

    def copy(self) -> dict[Any, Any]:
        """A dict like it."""
        return dict(self)

    def iterated(self) -> list[Any]:
        """The keys."""
        return list(super().keys())


class ListKeeper(list[Any]):
    """A list whose changes in place return nothing that travels."""

    def extended(self, items: Any) -> None:
        """As ``+=``."""
        self.extend(items)

    def multiplied(self, number: int) -> None:
        """As ``*=``."""
        self[:] = list(self) * number

    def copy(self) -> list[Any]:
        """A list like it."""
        return list(self)

    def iterated(self) -> list[Any]:
        """The items."""
        return list(self)


class NamespaceKeeper:
    """The attributes of a namespace."""

    def __init__(self, attributes: dict[str, Any]) -> None:
        self.attributes = attributes

    def look(self, name: str) -> Any:
        """One of them; raises AttributeError."""
        if name not in self.attributes:
            raise AttributeError(f"the namespace has no attribute {name!r}")
        return self.attributes[name]

    def set(self, name: str, value: Any) -> None:
        """Set it."""
        self.attributes[name] = value

    def drop(self, name: str) -> None:
        """Delete it."""
        self.look(name)
        del self.attributes[name]


@_methods(
    "__contains__", "__delitem__", "__getitem__", "__len__", "__setitem__", "clear", "copy", "get",
    "items", "keys", "pop", "popitem", "setdefault", "update", "values",
)  # fmt: skip
class FarDict(Kept):
    """A dict that processes of any machine share; the values are copies, both ways."""

    def __init__(self, line: Line, *args: Any, **kwargs: Any) -> None:
        super().__init__(line, DictKeeper, dict(*args, **kwargs))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._do("iterated"))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"

    def __str__(self) -> str:
        return str(self._do("copy"))


@_methods(
    "__contains__", "__delitem__", "__getitem__", "__len__", "__setitem__", "append", "clear",
    "copy", "count", "extend", "index", "insert", "pop", "remove", "reverse", "sort",
)  # fmt: skip
class FarList(Kept):
    """A list that processes of any machine share; the items are copies, both ways."""

    def __init__(self, line: Line, items: Iterable[Any] = ()) -> None:
        super().__init__(line, ListKeeper, list(items))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._do("iterated"))

    def __iadd__(self, items: Iterable[Any]) -> FarList:
        self._do("extended", list(items))
        return self

    def __imul__(self, number: int) -> FarList:
        self._do("multiplied", number)
        return self

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name}>"

    def __str__(self) -> str:
        return str(self._do("iterated"))


class FarNamespace(Kept):
    """Attributes that processes of any machine share; their values are copies, both ways."""

    def __init__(self, line: Line, /, **attributes: Any) -> None:
        super().__init__(line, NamespaceKeeper, attributes)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return self._do("look", name)

    def __setattr__(self, name: str, value: Any) -> None:
        if name.startswith("_"):
            super().__setattr__(name, value)
        else:
            self._do("set", name, value)

    def __delattr__(self, name: str) -> None:
        self._do("drop", name)


class FarManager:
    """Makes what processes of any machine share; it is there as long as its context.

    Args:
        context: Makes the locks and queues.
        line: To the board that keeps the rest.

    If a process dies: what it had changed is changed. The board's: all of it is lost, and who
        uses it gets `ServerGone`.
    """

    def __init__(self, context: Any, line: Line) -> None:
        self._context = context
        self._line = line

    def dict(self, *args: Any, **kwargs: Any) -> FarDict:
        """A dict."""
        return FarDict(self._line, *args, **kwargs)

    def list(self, items: Iterable[Any] = ()) -> FarList:
        """A list."""
        return FarList(self._line, items)

    def Namespace(self, /, **attributes: Any) -> FarNamespace:
        """A namespace."""
        return FarNamespace(self._line, **attributes)

    def __getattr__(self, name: str) -> Any:
        if name in _OF_THE_CONTEXT:
            return getattr(self._context, name)
        raise AttributeError(f"a manager of this context has no {name}", name=name)

    def start(self) -> None:
        """Does nothing: it is there."""

    def shutdown(self) -> None:
        """Does nothing: what it made is there as long as its context."""

    def __enter__(self) -> FarManager:
        return self

    def __exit__(self, *what: object) -> None:
        self.shutdown()


_OF_THE_CONTEXT = frozenset({
    "Array", "Barrier", "BoundedSemaphore", "Condition", "Event", "JoinableQueue", "Lock", "Pool",
    "Queue", "RLock", "Semaphore", "Value",
})  # fmt: skip
