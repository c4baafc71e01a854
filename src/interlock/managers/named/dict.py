"""A dict of a server, for programs on many machines."""

from __future__ import annotations

from collections.abc import Callable, ItemsView, Iterable, Iterator, MutableMapping, ValuesView
from typing import Any

from interlock.managers.named.lock import AsyncLock, Lock
from interlock.managers.named.place import AsyncNamed, Named
from interlock.managers.named.steps import Call, Steps
from interlock.managers.named.values import dumps, loads
from interlock.managers.served.thing import Fence

__all__ = ["AsyncDict", "Dict"]

_NOTHING: Any = object()
Pairs = MutableMapping[Any, Any] | Iterable[tuple[Any, Any]]


def _get(key: Any, default: Any) -> Steps[Any]:
    data = yield Call("find", (key,))
    if data is None and default is _NOTHING:
        raise KeyError(key)
    return default if data is None else loads(data)


def _pop(key: Any, default: Any, fence: Fence | None) -> Steps[Any]:
    data = yield Call("pop", (key, fence))
    if data is None and default is _NOTHING:
        raise KeyError(key)
    return default if data is None else loads(data)


def _popitem(fence: Fence | None) -> Steps[tuple[Any, Any]]:
    found = yield Call("popitem", (fence,))
    if found is None:
        raise KeyError("popitem(): dictionary is empty")
    return found[0], loads(found[1])


def _put(key: Any, value: Any, fence: Fence | None) -> Steps[None]:
    yield Call("put", (key, dumps(value), fence))


def _update(pairs: Any, named: dict[str, Any], fence: Fence | None) -> Steps[None]:
    yield Call("put_all", ([(k, dumps(v)) for k, v in dict(pairs, **named).items()], fence))


def _setdefault(key: Any, value: Any, fence: Fence | None) -> Steps[Any]:
    return loads((yield Call("setdefault", (key, dumps(value), fence))))


def _copy() -> Steps[dict[Any, Any]]:
    pairs = yield Call("items")
    return {key: loads(data) for key, data in pairs}


def _one(method: str, *args: Any) -> Steps[Any]:
    return (yield Call(method, args))


def _update_with(
    key: Any, change: Callable[[Any], Any], default: Any, fence: Fence | None
) -> Steps[Any]:
    while True:
        version, data = yield Call("versioned", (key,))
        if data is None and default is _NOTHING:
            raise KeyError(key)
        value = change(default if data is None else loads(data))
        if (yield Call("put_if", (key, version, dumps(value), fence))):
            return value


def _compare_and_set(key: Any, expected: Any, value: Any, fence: Fence | None) -> Steps[bool]:
    while True:
        version, data = yield Call("versioned", (key,))
        if data is None or loads(data) != expected:
            return False
        if (yield Call("put_if", (key, version, dumps(value), fence))):
            return True


class Dict(Named, MutableMapping[Any, Any]):
    """A dict by name. Keys are str, bytes, numbers, bool, None and tuples of them.

    A value is what was stored: changing it here changes nothing there.

    If a process dies: a client: each of its changes was made or was not. The server: with a
    journal, every change that returned is there again.
    """

    kind = "dict"

    def __getitem__(self, key: Any) -> Any:
        return self._run(_get(key, _NOTHING))

    def __setitem__(self, key: Any, value: Any) -> None:
        self._run(_put(key, value, self._fence()))

    def __delitem__(self, key: Any) -> None:
        self._run(_pop(key, _NOTHING, self._fence()))

    def __contains__(self, key: Any) -> bool:
        return bool(self._run(_one("contains", key)))

    def __len__(self) -> int:
        return int(self._run(_one("count")))

    def __iter__(self) -> Iterator[Any]:
        return iter(self._run(_one("keys")))

    def get(self, key: Any, default: Any = None) -> Any:
        """The value, or the default.

        Raises:
            ServerGone: The server ended, or forgot this client.

        If a process dies: as `Dict`.
        """
        return self._run(_get(key, default))

    def pop(self, key: Any, default: Any = _NOTHING) -> Any:
        """Remove the value; as `dict.pop`.

        Raises:
            KeyError: There is none, and no default.
        """
        return self._run(_pop(key, default, self._fence()))

    def popitem(self) -> tuple[Any, Any]:
        """Remove the newest key.

        Raises:
            KeyError: There is none.
        """
        return self._run(_popitem(self._fence()))

    def setdefault(self, key: Any, default: Any = None) -> Any:
        """The value, after the default was stored if there was none."""
        return self._run(_setdefault(key, default, self._fence()))

    def update(self, pairs: Any = (), /, **named: Any) -> None:
        """Store several, in one step: all of them or none.

        Raises:
            LimitReached: The server has no more memory for them.
            StaleToken: As `Dict.under`.
        """
        self._run(_update(pairs, named, self._fence()))

    def clear(self) -> None:
        """Remove all."""
        self._run(_one("clear", self._fence()))

    def copy(self) -> dict[Any, Any]:
        """All of it, at one moment."""
        return self._run(_copy())

    def items(self) -> ItemsView[Any, Any]:
        """Of a copy."""
        return self.copy().items()

    def values(self) -> ValuesView[Any]:
        """Of a copy."""
        return self.copy().values()

    def update_with(self, key: Any, change: Callable[[Any], Any], default: Any = _NOTHING) -> Any:
        """Store what the function makes of the value; again, if another was quicker.

        Args:
            key: Of the value.
            change: Gets the value; called in this process, perhaps more than once.
            default: What it gets if there is none.

        Returns:
            What was stored.

        Raises:
            KeyError: There is no value, and no default.
        """
        return self._run(_update_with(key, change, default, self._fence()))

    def compare_and_set(self, key: Any, expected: Any, value: Any) -> bool:
        """Store it if the present value equals the expected one."""
        return self._run(_compare_and_set(key, expected, value, self._fence()))

    def under(self, lock: Lock) -> Dict:
        """The same dict, changed only while that lock is held.

        Each change goes with the lock's token, and the server refuses it with `StaleToken` when
        the lock was given to another meanwhile.
        """
        return Dict(self._house, self.name, self._reference, self._twin, lock.fence())

    @property
    def aio(self) -> AsyncDict:
        """The same dict for asyncio."""
        twin: AsyncDict = self._twin()
        return twin


class AsyncDict(AsyncNamed):
    """`Dict`, to be awaited: ``get`` and ``set`` stand for the brackets.

    If a process dies: as `Dict`.
    """

    kind = "dict"

    async def get(self, key: Any, default: Any = None) -> Any:
        """As `Dict.get`, awaited."""
        return await self._run(_get(key, default))

    async def set(self, key: Any, value: Any) -> None:
        """Store a value."""
        await self._run(_put(key, value, self._fence()))

    async def pop(self, key: Any, default: Any = _NOTHING) -> Any:
        """As `Dict.pop`, awaited."""
        return await self._run(_pop(key, default, self._fence()))

    async def popitem(self) -> tuple[Any, Any]:
        """As `Dict.popitem`, awaited."""
        return await self._run(_popitem(self._fence()))

    async def setdefault(self, key: Any, default: Any = None) -> Any:
        """As `Dict.setdefault`, awaited."""
        return await self._run(_setdefault(key, default, self._fence()))

    async def update(self, pairs: Any = (), /, **named: Any) -> None:
        """As `Dict.update`, awaited."""
        await self._run(_update(pairs, named, self._fence()))

    async def clear(self) -> None:
        """As `Dict.clear`, awaited."""
        await self._run(_one("clear", self._fence()))

    async def copy(self) -> dict[Any, Any]:
        """As `Dict.copy`, awaited."""
        return await self._run(_copy())

    async def contains(self, key: Any) -> bool:
        """Whether there is such a key."""
        return bool(await self._run(_one("contains", key)))

    async def size(self) -> int:
        """How many keys there are."""
        return int(await self._run(_one("count")))

    async def update_with(
        self, key: Any, change: Callable[[Any], Any], default: Any = _NOTHING
    ) -> Any:
        """As `Dict.update_with`, awaited."""
        return await self._run(_update_with(key, change, default, self._fence()))

    async def compare_and_set(self, key: Any, expected: Any, value: Any) -> bool:
        """As `Dict.compare_and_set`, awaited."""
        return await self._run(_compare_and_set(key, expected, value, self._fence()))

    def under(self, lock: AsyncLock) -> AsyncDict:
        """As `Dict.under`."""
        return AsyncDict(self._house, self.name, self._options, lock.fence())
