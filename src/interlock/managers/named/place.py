"""A named object as one client has it: who runs its steps, by threads or by asyncio."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn, Protocol, TypeVar

from interlock.managers.client import Client
from interlock.managers.named.steps import Fenced, Steps, Tickets, run, run_async
from interlock.managers.references import Reference
from interlock.managers.served.thing import Fence

__all__ = ["AsyncHouse", "AsyncNamed", "House", "Named"]

T = TypeVar("T")


class House(Protocol):
    """A connection, as its objects know it."""

    client: Client
    tickets: Tickets[int]


class AsyncHouse(Protocol):
    """The same for asyncio."""

    tickets: Tickets[int]

    async def opened(self, kind: str, name: str, options: dict[str, Any]) -> tuple[Any, Reference]:
        """The client, and the object."""


class Named:
    """An object of a server, for threads.

    Args:
        house: The connection.
        name: Its name.
        reference: To the object.
        twin: Makes the same for asyncio.
        fence: The lock under which it is changed.
    """

    kind = ""

    def __init__(
        self,
        house: House,
        name: str,
        reference: Reference,
        twin: Callable[[], Any],
        fence: Fenced | None = None,
    ) -> None:
        self.name = name
        self._house = house
        self._reference = reference
        self._twin = twin
        self._fenced = fence

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r} of a server>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(_stays(self))

    def _run(self, steps: Steps[T]) -> T:
        return run(self._house.client, self._reference, steps)

    def _fence(self) -> Fence | None:
        return None if self._fenced is None else self._fenced.fence()


class AsyncNamed:
    """An object of a server, for the tasks of one event loop; opened when it is first used."""

    kind = ""

    def __init__(
        self,
        house: AsyncHouse,
        name: str,
        options: dict[str, Any] | None = None,
        fence: Fenced | None = None,
    ) -> None:
        self.name = name
        self._house = house
        self._options = options or {}
        self._fenced = fence
        self._opened: tuple[Any, Reference] | None = None

    def __repr__(self) -> str:
        return f"<{self.kind} {self.name!r} of a server, for asyncio>"

    def __reduce__(self) -> NoReturn:
        raise TypeError(_stays(self))

    async def _run(self, steps: Steps[T]) -> T:
        client, reference = await self._there()
        return await run_async(client, reference, steps)

    async def _there(self) -> tuple[Any, Reference]:
        if self._opened is None:
            self._opened = await self._house.opened(self.kind, self.name, self._options)
        return self._opened

    def _fence(self) -> Fence | None:
        return None if self._fenced is None else self._fenced.fence()


def _stays(thing: Named | AsyncNamed) -> str:
    return (
        f"{thing!r} is one process's; send the name {thing.name!r}, and open it there by a "
        "connection of its own"
    )
