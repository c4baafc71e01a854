"""A list of a server, for programs on many machines."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, MutableSequence
from typing import Any

from interlock.managers.named.lock import AsyncLock, Lock
from interlock.managers.named.place import AsyncNamed, Named
from interlock.managers.named.steps import Call, Steps
from interlock.managers.named.values import dumps, loads
from interlock.managers.served.thing import Fence

__all__ = ["AsyncList", "List"]


def _get(index: int | slice) -> Steps[Any]:
    if not isinstance(index, slice):
        return loads((yield Call("at", (index,))))
    _, parts = yield Call("part", (index.start, index.stop, index.step))
    return [loads(data) for data in parts]


def _set(index: int | slice, value: Any, fence: Fence | None) -> Steps[None]:
    if not isinstance(index, slice):
        yield Call("put", (index, dumps(value), fence))
        return
    new = [dumps(each) for each in value]

    def spliced(present: list[bytes]) -> list[bytes]:
        present[index] = new
        return present

    yield from _rewritten(spliced, fence)


def _delete(index: int | slice, fence: Fence | None) -> Steps[None]:
    if isinstance(index, slice):
        yield Call("delete", (index.start, index.stop, index.step, fence))
    else:
        yield Call("pop", (index, fence))


def _pop(index: int, fence: Fence | None) -> Steps[Any]:
    return loads((yield Call("pop", (index, fence))))


def _insert(index: int, value: Any, fence: Fence | None) -> Steps[None]:
    yield Call("insert", (index, dumps(value), fence))


def _extend(values: Iterable[Any], fence: Fence | None) -> Steps[None]:
    yield Call("extend", ([dumps(value) for value in values], fence))


def _remove(value: Any, fence: Fence | None) -> Steps[None]:
    while True:
        version, parts = yield Call("part", (None, None, None))
        index = [loads(data) for data in parts].index(value)
        if (yield Call("pop_if", (version, index, fence))):
            return


def _rewritten(change: Callable[[list[bytes]], list[bytes]], fence: Fence | None) -> Steps[None]:
    while True:
        version, parts = yield Call("part", (None, None, None))
        if (yield Call("replace", (version, change(parts), fence))):
            return


def _sorted(
    key: Callable[[Any], Any] | None, reverse: bool
) -> Callable[[list[bytes]], list[bytes]]:
    def by(data: bytes) -> Any:
        return loads(data) if key is None else key(loads(data))

    return lambda parts: sorted(parts, key=by, reverse=reverse)


def _clear(fence: Fence | None) -> Steps[None]:
    yield Call("replace", (None, [], fence))


def _count() -> Steps[int]:
    return int((yield Call("count")))


_ALL = slice(None)


class List(Named, MutableSequence[Any]):
    """A list by name.

    If a process dies: a client: each of its changes was made or was not. The server: with a
    journal, every change that returned is there again.
    """

    kind = "list"

    def __getitem__(self, index: Any) -> Any:
        return self._run(_get(index))

    def __setitem__(self, index: Any, value: Any) -> None:
        self._run(_set(index, value, self._fence()))

    def __delitem__(self, index: Any) -> None:
        self._run(_delete(index, self._fence()))

    def __len__(self) -> int:
        return self._run(_count())

    def __iter__(self) -> Iterator[Any]:
        return iter(self.copy())

    def __contains__(self, value: object) -> bool:
        return value in self.copy()

    def insert(self, index: int, value: Any) -> None:
        """Put one before the item there."""
        self._run(_insert(index, value, self._fence()))

    def append(self, value: Any) -> None:
        """Put one at the end."""
        self._run(_extend((value,), self._fence()))

    def extend(self, values: Iterable[Any]) -> None:
        """Put several at the end, in one step."""
        self._run(_extend(values, self._fence()))

    def pop(self, index: int = -1) -> Any:
        """Remove the item there.

        Raises:
            IndexError: There is none.
        """
        return self._run(_pop(index, self._fence()))

    def remove(self, value: Any) -> None:
        """Remove the first that equals it.

        Raises:
            ValueError: There is none.
        """
        self._run(_remove(value, self._fence()))

    def index(self, value: Any, start: int = 0, stop: int | None = None) -> int:
        """Where the first is that equals it.

        Raises:
            ValueError: There is none.
        """
        items = self.copy()
        return items.index(value, start, len(items) if stop is None else stop)

    def count(self, value: Any) -> int:
        """How many equal it."""
        return self.copy().count(value)

    def clear(self) -> None:
        """Remove all."""
        self._run(_clear(self._fence()))

    def reverse(self) -> None:
        """Turn the order round, in one step."""
        self._run(_rewritten(lambda parts: parts[::-1], self._fence()))

    def sort(self, *, key: Callable[[Any], Any] | None = None, reverse: bool = False) -> None:
        """Sort it, in one step; compared in this process, again if another was quicker."""
        self._run(_rewritten(_sorted(key, reverse), self._fence()))

    def copy(self) -> list[Any]:
        """All of it, at one moment."""
        items: list[Any] = self._run(_get(_ALL))
        return items

    def under(self, lock: Lock) -> List:
        """The same list, changed only while that lock is held; as `Dict.under`."""
        return List(self._house, self.name, self._reference, self._twin, lock.fence())

    @property
    def aio(self) -> AsyncList:
        """The same list for asyncio."""
        twin: AsyncList = self._twin()
        return twin


class AsyncList(AsyncNamed):
    """`List`, to be awaited: ``get``, ``set`` and ``delete`` stand for the brackets.

    If a process dies: as `List`.
    """

    kind = "list"

    async def get(self, index: int | slice) -> Any:
        """The item there, or those of a slice.

        Raises:
            IndexError: There is none.

        If a process dies: as `List`.
        """
        return await self._run(_get(index))

    async def set(self, index: int | slice, value: Any) -> None:
        """Replace it."""
        await self._run(_set(index, value, self._fence()))

    async def delete(self, index: int | slice) -> None:
        """Remove it."""
        await self._run(_delete(index, self._fence()))

    async def insert(self, index: int, value: Any) -> None:
        """As `List.insert`, awaited."""
        await self._run(_insert(index, value, self._fence()))

    async def append(self, value: Any) -> None:
        """As `List.append`, awaited."""
        await self._run(_extend((value,), self._fence()))

    async def extend(self, values: Iterable[Any]) -> None:
        """As `List.extend`, awaited."""
        await self._run(_extend(values, self._fence()))

    async def pop(self, index: int = -1) -> Any:
        """As `List.pop`, awaited."""
        return await self._run(_pop(index, self._fence()))

    async def remove(self, value: Any) -> None:
        """As `List.remove`, awaited."""
        await self._run(_remove(value, self._fence()))

    async def clear(self) -> None:
        """As `List.clear`, awaited."""
        await self._run(_clear(self._fence()))

    async def copy(self) -> list[Any]:
        """As `List.copy`, awaited."""
        items: list[Any] = await self._run(_get(_ALL))
        return items

    async def size(self) -> int:
        """How many there are."""
        return await self._run(_count())

    def under(self, lock: AsyncLock) -> AsyncList:
        """As `Dict.under`."""
        return AsyncList(self._house, self.name, self._options, lock.fence())
