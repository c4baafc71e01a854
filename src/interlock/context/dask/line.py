"""DaskLine: a process's line to the board in the scheduler of its cluster."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

from interlock.context.board.answers import unpacked
from interlock.context.board.seats import Seat
from interlock.context.dask.called import Called
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

    def _send(self, method: str, *args: Any) -> Called[Any]:
        ask = self._read if method in ("call", "make") else self._link.asked
        called = self._link.called(lambda: ask(method, *args))
        called.begin()
        return called

    async def _read(self, method: str, *args: Any) -> tuple[str, Any]:
        return unpacked(await self._link.asked(method, *args))

    def _answer(self, sent: Called[Any]) -> Any:
        self._link.wait_for(sent)
        return sent.result()

    def _future(self, sent: Called[Any]) -> Future[Any]:
        answer: Future[Any] = Future()

        def tell(called: Called[Any]) -> None:
            if called.error is None:
                answer.set_result(called.value)
            else:
                answer.set_exception(called.error)

        sent.then(tell)
        return answer

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
