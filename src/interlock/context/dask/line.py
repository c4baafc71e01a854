"""DaskLine: a process's line to the board in the scheduler of its cluster."""

from __future__ import annotations

from collections.abc import Coroutine
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from interlock.context.board.answers import unpacked
from interlock.context.board.seats import Seat
from interlock.context.dask.packing import pack_message, refuse_outside, unpack
from interlock.context.far.line import Line

if TYPE_CHECKING:
    from interlock.context.dask.link import Link

__all__ = ["DaskLine"]


class DaskLine(Line):
    """A line by the client of a link; in each process, and for each cluster, one.

    Args:
        link: To the cluster.
    """

    def __init__(self, link: Link) -> None:
        super().__init__()
        self._link = link

    def make(self, kind: str, *args: Any) -> str:
        """As `Line.make`; the first one has the desk set up."""
        self._link.register()
        return super().make(kind, *args)

    def _send(self, method: str, *args: Any) -> Future[Any]:
        asked = self._link.asked(method, *args)
        return self._link.begin(self._read(asked) if method in ("call", "make") else asked)

    async def _read(self, asked: Coroutine[Any, Any, Any]) -> tuple[str, Any]:
        return unpacked(await asked)

    def _answer(self, sent: Future[Any]) -> Any:
        self._link.wait_for(sent)
        return sent.result()

    def _future(self, sent: Future[Any]) -> Future[Any]:
        return sent

    def _enter(self, seat: Seat) -> None:
        self._answer(self._send("enter", seat))

    def pack(self, value: Any) -> tuple[bytes, list[Any]]:
        """As `interlock.context.dask.packing.pack_message`; raises SerializationError."""
        return pack_message(value)

    def unpack(self, payload: tuple[bytes, list[Any]]) -> Any:
        """The object; from here on the results it refers to are kept for this process."""
        data, keys = payload
        if keys:
            self._answer(self._send("wish", keys))
        return unpack(data, self._link)

    def size(self, payload: tuple[bytes, list[Any]]) -> int:
        """Of the bytes."""
        return len(payload[0])

    def __reduce__(self) -> tuple[Any, ...]:
        refuse_outside(self)
        return _line_here, ()


def _line_here() -> DaskLine:
    from interlock.context.dask.link import link_here

    return link_here().line
