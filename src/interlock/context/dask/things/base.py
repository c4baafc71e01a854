"""DaskThing: a name at the desk, and how its calls go there."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from interlock.context.dask.desk.answers import Answer
from interlock.context.dask.link import Link, link_here
from interlock.context.dask.packing import refuse_outside

__all__ = ["DaskThing", "deadline"]


class DaskThing:
    """What lies in the scheduler, and may be passed to any task, process or queue of its cluster.

    Args:
        link: To the cluster.
        name: Of the thing there; with None nothing is made.

    If a process dies: the one that made it: the thing ends with it, and others get
        `NoSuchObject`. The scheduler: all things are lost, and calls raise `ServerGone`.
    """

    _link: Link
    _name: str

    def __init__(self, link: Link, name: str) -> None:
        self._link = link
        self._name = name

    async def _asked(self, method: str, *arguments: Any, **how: Any) -> Answer:
        """A call by this thread; begun in it, and awaited in the client's event loop."""
        return await self._link.asked(how.pop("caller"), self._name, method, *arguments, **how)

    def _call(self, method: str, *arguments: Any, **how: Any) -> Answer:
        """The same, waited for; what it takes is taken back if this thread is interrupted."""
        ticket = how.setdefault("ticket", uuid.uuid4().hex)
        asked = self._asked(method, *arguments, caller=self._link.caller(), **how)
        return self._link.wait(asked, ticket)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        refuse_outside(self)
        return _attached, (type(self), self._name, self._state())

    def _state(self) -> dict[str, Any]:
        """What a copy elsewhere needs beside the name."""
        return {name: value for name, value in vars(self).items() if name not in _OWN}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._name} in Dask's scheduler>"


_OWN = ("_link", "_name")


def _attached(kind: type[DaskThing], name: str, state: dict[str, Any]) -> DaskThing:
    thing = kind.__new__(kind)
    DaskThing.__init__(thing, link_here(), name)
    vars(thing).update(state)
    return thing


def deadline(may_wait: bool, most_s: float | None) -> float | None:
    """How long the desk may wait, and never less than 0."""
    if not may_wait:
        return 0.0
    return None if most_s is None else max(0.0, most_s)
