"""What a dict that others change meanwhile does as a whole: with what is there at one moment."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import (
    ItemsView,
    Iterable,
    KeysView,
    Mapping,
    MutableMapping,
    ValuesView,
)
from typing import Any, Self, TypeVar

__all__ = ["SnapshotMapping"]

V = TypeVar("V")


class SnapshotMapping(MutableMapping[Any, V]):
    """Views, comparison and union, of a dict that can be copied at one moment."""

    @abstractmethod
    def snapshot(self) -> dict[Any, V]:
        """All keys and values that there are at one moment, as a dict of the caller's own."""

    def keys(self) -> KeysView[Any]:
        """The keys that there are at one moment."""
        return self.snapshot().keys()

    def values(self) -> ValuesView[V]:
        """The values that there are at one moment."""
        return self.snapshot().values()

    def items(self) -> ItemsView[Any, V]:
        """The keys and values that there are at one moment."""
        return self.snapshot().items()

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SnapshotMapping):
            return self.snapshot() == other.snapshot()
        return isinstance(other, Mapping) and self.snapshot() == dict(other)

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Mapping[Any, V]) -> dict[Any, V]:
        return self.snapshot() | dict(other)

    def __ror__(self, other: Mapping[Any, V]) -> dict[Any, V]:
        return dict(other) | self.snapshot()

    def __ior__(self, other: Mapping[Any, V] | Iterable[tuple[Any, V]]) -> Self:
        self.update(other)
        return self

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.snapshot()!r})"
