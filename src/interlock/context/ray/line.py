"""The board of a context as an async actor, and a process's line to it.

The actor notices the end of a process that uses it by a call of its own that never returns
(`stay`): the caller is the owner of what that will return, and the actor waits for it, too. When
the owner dies Ray says so (`OwnerDiedError`), wherever it was, within seconds. A process of the
same machine is watched by a pidfd besides, which says it at once.
docs/decisions/0028-a-board-in-one-actor-of-ray.md says what else was considered.
"""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayActorError, RayError

from interlock.context.board.answers import RAISED, packed, unpacked
from interlock.context.board.board import Board
from interlock.context.board.seats import Seat, Who
from interlock.context.far.line import Line
from interlock.context.ray.cluster import at_home, check_connected, value_of
from interlock.context.ray.payload import pack, unpack
from interlock.errors import ServerGone

__all__ = ["RayLine", "leave_all", "started_board"]

CALLS_MAX = 1_000_000  # that wait at once

# The lines of this process, by what names the board: a handle that comes again finds its line.
_lines: dict[str, RayLine] = {}
_making = threading.Lock()


def _place() -> str:
    """Which processes see each other's pids as they are."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {os.readlink('/proc/self/ns/pid')}"


class BoardActor:
    """What runs in the actor; the methods are those that a line calls."""

    def __init__(self) -> None:
        self._board = Board(pack, unpack)
        self._stays: dict[str, asyncio.Event] = {}
        self._watches: set[asyncio.Task[None]] = set()

    async def make(self, name: str, kind: str, args: tuple[Any, ...]) -> tuple[str, Any]:
        """As `Board.make`; an exception as bytes."""
        return packed(self._board.make(name, kind, args))

    async def drop(self, names: list[str]) -> None:
        """As `Board.drop`."""
        self._board.drop(names)

    async def call(
        self, who: Who, number: int, name: str, method: str, args: tuple[Any, ...],
        timeout_s: float | None,
    ) -> tuple[str, Any]:  # fmt: skip
        """As `Board.call`; an exception as bytes.

        Raises:
            AttributeError: As there.

        If a process dies: As there.
        """
        return packed(await self._board.call(who, number, name, method, args, timeout_s))

    async def withdraw(self, who: Who, number: int) -> None:
        """As `Board.withdraw`."""
        self._board.withdraw(who, number)

    async def seats(self) -> dict[str, tuple[int, str, str]]:
        """As `Board.seats`."""
        return self._board.seats()

    async def stay(self, key: str) -> None:
        """Return when that process has left."""
        await self._stays.setdefault(key, asyncio.Event()).wait()

    async def enter(self, seat: Seat, place: str, stay: list[Any]) -> None:
        """A process begins; it owns what `stay` will return."""
        self._board.enter(seat)
        watch = asyncio.create_task(self._watch(seat.key, stay[0]))
        self._watches.add(watch)
        watch.add_done_callback(self._watches.discard)
        if place == _place():
            self._watch_here(seat)

    async def _watch(self, key: str, stay: Any) -> None:
        try:
            await stay
        except RayError:
            self._board.gone(key, False)
            self._left(key)

    def _watch_here(self, seat: Seat) -> None:
        try:
            fd = os.pidfd_open(seat.pid)
        except OSError:
            self._board.gone(seat.key, False)
            return
        loop = asyncio.get_running_loop()

        def ended() -> None:
            loop.remove_reader(fd)
            os.close(fd)
            self._board.gone(seat.key, False)
            self._left(seat.key)

        loop.add_reader(fd, ended)

    async def gone(self, key: str, orderly: bool) -> None:
        """A process says itself that it has done."""
        self._board.gone(key, orderly)
        self._left(key)

    def _left(self, key: str) -> None:
        stays = self._stays.pop(key, None)
        if stays is not None:
            stays.set()


class RayLine(Line):
    """A line to the actor of a board.

    Args:
        key: Names the board.
        actor: Its actor.
    """

    def __init__(self, key: str, actor: Any) -> None:
        super().__init__()
        self._key = key
        self._actor = actor
        self._stay: Any = None

    def _send(self, method: str, *args: Any) -> Any:
        check_connected()
        try:
            return getattr(self._actor, method).remote(*args)
        except Exception as error:
            if type(error) is not Exception:
                raise
            raise _gone(str(error).rstrip(".") + ".") from error  # of a cluster that was left

    def _answer(self, sent: Any) -> Any:
        try:
            return _read(value_of(sent))
        except RayActorError as error:
            raise _gone(str(error).splitlines()[0]) from error

    def _future(self, sent: Any) -> Future[Any]:
        answer: Future[Any] = Future()

        def arrived(future: Future[Any]) -> None:
            try:
                answer.set_result(_read(future.result()))
            except RayActorError as error:
                answer.set_exception(_gone(str(error).splitlines()[0]))
            except BaseException as error:
                answer.set_exception(error)

        sent.future().add_done_callback(arrived)
        return answer

    def _enter(self, seat: Seat) -> None:
        self._stay = self._send("stay", seat.key)
        self._answer(self._send("enter", seat, _place(), [self._stay]))

    def pack(self, value: Any) -> Any:
        """As `interlock.context.ray.payload.pack`; raises SerializationError."""
        return pack(value)

    def unpack(self, payload: Any) -> Any:
        """As `interlock.context.ray.payload.unpack`."""
        return unpack(payload)

    def size(self, payload: Any) -> int:
        """Of a `Payload`: its bytes and its buffers."""
        return len(payload.data) + sum(memoryview(each).nbytes for each in payload.buffers)

    def end(self) -> None:
        """Nobody needs the board any more."""
        _lines.pop(self._key, None)
        if ray.is_initialized():
            ray.kill(self._actor)

    def __reduce__(self) -> tuple[Any, ...]:
        return line_to, (self._key, self._actor)


def line_to(key: str, actor: Any) -> RayLine:
    """This process's line to a board."""
    with _making:
        line = _lines.get(key)
        if line is None:
            at_home()
            line = _lines[key] = RayLine(key, actor)
        return line


def leave_all() -> None:
    """This process has done, and has nothing any more."""
    for line in list(_lines.values()):
        try:
            line.leave()
        except ServerGone:
            continue


def started_board(key: str) -> RayLine:
    """A new board on this machine, and the line to it.

    If a process dies: its actor's: what was on it is lost, and who uses it gets ServerGone.
    """
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
    remote: Any = ray.remote
    kind = remote(num_cpus=0, max_concurrency=CALLS_MAX)(BoardActor)
    return line_to(key, kind.options(scheduling_strategy=here).remote())


def _read(answer: Any) -> Any:
    is_error = isinstance(answer, tuple) and len(answer) == 2 and answer[0] == RAISED
    return unpacked(answer) if is_error else answer


def _gone(why: str) -> ServerGone:
    return ServerGone(
        f"The actor that keeps the locks and queues of this context is gone: {why} What was in "
        "them is lost; whether the call was run cannot be known. Make a new context."
    )
