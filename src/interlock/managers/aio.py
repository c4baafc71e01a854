"""A client for asyncio: the same state machine as for threads (wire/client_state.py)."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
from collections.abc import AsyncIterator
from typing import Any

from interlock.errors import InterlockError, ServerGone, WireError
from interlock.managers.auth import Address, AuthenticationFailed, check_address
from interlock.managers.calling.access import DESK, Access
from interlock.managers.calling.aio_line import AioLine
from interlock.managers.calling.greeting import Way
from interlock.managers.calling.patience import Patience
from interlock.managers.calling.pipeline import Collected
from interlock.managers.calling.returns import Returns
from interlock.managers.calling.switchboard import LOOK_S
from interlock.managers.references import Reference
from interlock.managers.tls import Security
from interlock.managers.wire.bodies import Call
from interlock.managers.wire.client_state import ClientState, Pending
from interlock.managers.wire.frames import Message
from interlock.serialize import Limits

__all__ = ["AsyncClient"]

_LANES = (1 << 62) - 1
_TOLD = 1  # the lane of calls that nobody waits for


class AsyncClient:
    """A connection to an object server, for the tasks of one event loop; made by `connect`.

    If a process dies: the server: as with `Client`.
    """

    def __init__(self, way: Way, limits: Limits | None) -> None:
        self._way = way
        self._state = ClientState()
        self._line: AioLine | None = None
        self._loop = asyncio.get_running_loop()
        self._credit = asyncio.Event()
        self._patience = Patience(way)
        self._waiters: dict[Pending, asyncio.Future[None]] = {}
        self._orphans: list[Pending] = []  # what they refer to must be given back
        self._comes_back: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._access = Access(_no_share, limits)
        self._returns = Returns(self._access, self._sent_at_once)
        self._collecting: contextvars.ContextVar[Collected | None] = contextvars.ContextVar(
            "interlock_pipeline", default=None
        )

    @classmethod
    async def connect(
        cls,
        address: Address,
        *,
        authkey: bytes | None = None,
        ssl: Security | None = None,
        hostname: str | None = None,
        insecure: bool = False,
        limits: Limits | None = None,
        connect_s: float = 10.0,
        absent_s: float | None = None,
    ) -> AsyncClient:
        """Connect to a server; arguments, and what is raised, as of `Client`."""
        check_address(address, tls=ssl is not None, insecure=insecure)
        key = bytes(authkey) if authkey is not None else None
        client = cls(Way(address, key, ssl, hostname, connect_s, absent_s), limits)
        await client._enter(connect_s)
        client._keeper = asyncio.create_task(client._keep())
        return client

    async def call(self, target: Reference | int, method: str, /, *args: Any, **kwargs: Any) -> Any:
        """As `Client.call`, awaited. Cancelled, it cancels the call at the server, if it can.

        Raises:
            Exception: As `Client.call`.

        If a process dies: as `Client`.
        """
        number = target if isinstance(target, int) else self._number(target)
        packed = self._access.arguments(args, kwargs)
        made = self._access.call(number, method, packed)
        kept = (target, args, kwargs)
        collected = self._collecting.get()
        if collected is not None:
            return collected.add(made, packed[1], kept)
        pending = await self._begin(_lane(), [made], packed[1], kept)
        await self._settled(pending)
        return Collected.results_of(pending, self._access.result)[0]()

    async def create(self, typeid: str, /, *args: Any, **kwargs: Any) -> Any:
        """As `Client.create`, awaited."""
        return await self.call(DESK, f"create {typeid}", *args, **kwargs)

    async def find(self, name: str) -> Any:
        """As `Client.find`, awaited."""
        return await self.call(DESK, "find", name)

    def tell(self, target: Reference, method: str, /, *args: Any) -> None:
        """As `Client.tell`."""
        packed = self._access.arguments(args, {})
        made = self._access.call(self._number(target), method, packed)
        if self._state.lost_by is None:
            pending = self._entered(_TOLD, [made], packed[1], (target, args))
            pending.settled = self._orphaned

    async def share(self, reference: Reference) -> bytes:
        """As `Client.share`, awaited."""
        ticket: bytes = await self.call(DESK, "share", self._number(reference))
        return ticket

    async def claim(self, ticket: bytes) -> Reference:
        """As `Client.claim`, awaited."""
        made: Reference = await self.call(DESK, "claim", ticket)
        return made

    @contextlib.asynccontextmanager
    async def pipeline(self) -> AsyncIterator[None]:
        """As `Client.pipeline`; results are there when the block has ended.

        Raises:
            Exception: What the first call raised.

        If a process dies: as `Client`.
        """
        collected = Collected(lambda: None, None, self._access.result)
        token = self._collecting.set(collected)
        try:
            yield
        finally:
            self._collecting.reset(token)
            await self._finish(collected)
        collected.raise_first()

    async def aclose(self) -> None:
        """End the session: what this client has is let go."""
        line, self._line = self._line, None
        for task in (self._keeper, self._comes_back):
            if task is not None:
                task.cancel()
        told = None if self._state.lost_by is not None else self._state.bye()
        self._lose(ServerGone("This client was closed."))
        if line is not None and told is not None:
            line.write(iter([[told]]))
            with contextlib.suppress(TimeoutError):
                await line.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # ---- calls -----------------------------------------------------------------------------------

    def _number(self, reference: Reference) -> int:
        self._access.check_held(reference)
        return reference.id

    async def _finish(self, collected: Collected) -> None:
        sent = []
        for frame in collected.take():
            pending = await self._begin(_lane(), frame.calls, frame.buffers, frame.kept)
            sent.append((pending, frame.laters))
        for pending, laters in sent:
            await self._settled(pending)
            collected.settle(pending, laters)

    async def _begin(
        self, lane: int, calls: list[Call], buffers: list[memoryview], kept: object
    ) -> Pending:
        self._access.check_here()
        self._returns.give_back()
        nbytes = self._state.size(calls, buffers)
        while self._state.lost_by is None and not self._state.has_credit(nbytes):
            self._credit.clear()
            await self._credit.wait()
        return self._entered(lane, calls, buffers, kept)

    def _entered(
        self, lane: int, calls: list[Call], buffers: list[memoryview], kept: object
    ) -> Pending:
        pending = self._state.begin(lane, calls, buffers, kept, self._answered)
        if self._line is not None:
            pending.is_sent = True
            self._line.write(pending.pieces(), lane)
        return pending

    def _answered(self, pending: Pending) -> None:
        self._credit.set()
        waiter = self._waiters.pop(pending, None)
        if waiter is not None and not waiter.done():
            waiter.set_result(None)

    async def _settled(self, pending: Pending) -> None:
        if pending.is_settled:
            return
        waiter = self._waiters[pending] = self._loop.create_future()
        try:
            await waiter
        except asyncio.CancelledError:
            told = self._state.cancel(pending)
            if told is not None and self._line is not None:
                self._line.write(iter([[told]]))
            self._give_up(pending)
            raise

    def _give_up(self, pending: Pending) -> None:
        """Nobody waits for it; what its answer refers to is given back all the same."""
        self._waiters.pop(pending, None)
        if pending.is_settled:
            self._orphans.append(pending)
        else:
            pending.settled = self._orphaned

    def _orphaned(self, pending: Pending) -> None:
        self._credit.set()
        self._orphans.append(pending)

    def _sent_at_once(self, call: Call, buffers: list[memoryview]) -> bool:
        """As `Returns` has it."""
        if self._state.lost_by is not None or not self._state.has_credit(len(call.data)):
            return False
        self._entered(0, [call], buffers, None)
        return True

    # ---- the connection --------------------------------------------------------------------------

    async def _enter(self, timeout_s: float) -> None:
        line = AioLine(self._received, lambda error: self._lost(line, error))
        async with asyncio.timeout(timeout_s):
            welcome = await line.greet(self._way, self._state.hello())
        self._state.welcomed(welcome, self._loop.time())
        self._access.server = welcome.server
        self._line = line
        line.write(iter([[told] for told in self._state.cancellations()]))
        for pending in self._state.unsent():
            pending.is_sent = True
            line.write(pending.pieces(), pending.lane)
        line.begin()

    def _received(self, messages: list[Message]) -> None:
        self._state.heard(self._loop.time())
        for message in messages:
            self._state.received(message)
        if self._state.done_is_urgent and self._line is not None:
            self._line.write(iter([[self._state.ping()]]))

    def _lost(self, line: AioLine, error: Exception) -> None:
        if self._line is not line:
            return
        self._line = None
        self._state.disconnected()
        if isinstance(error, InterlockError):
            self._lose(error)
        elif self._state.lost_by is None:
            welcome = self._state.welcome
            assert welcome is not None
            is_fruitful = self._state.is_fruitful
            self._patience.lost(self._loop.time(), welcome, is_fruitful=is_fruitful)
            self._comes_back = asyncio.create_task(self._come_back(error))

    async def _come_back(self, last: Exception) -> None:
        patience = self._patience
        while True:
            left_s = patience.left_s(self._loop.time(), last)
            if left_s <= 0:
                break
            await asyncio.sleep(patience.pause_s)
            try:
                await self._enter(min(self._way.connect_s, left_s))
                return
            except (AuthenticationFailed, ServerGone, WireError) as final:
                last = final
                break
            except (OSError, InterlockError) as again:
                last = again
                patience.failed()
        self._lose(
            ServerGone(
                f"The server at {self._way.address} is gone ({last}). Whether the calls that "
                "waited were run cannot be known. Start it, and make a new client."
            )
        )

    def _lose(self, error: Exception) -> None:
        if self._state.lost_by is None:
            self._state.lose(error)
        self._credit.set()

    async def _keep(self) -> None:
        welcome = self._state.welcome
        assert welcome is not None
        while self._state.lost_by is None:
            await asyncio.sleep(min(LOOK_S, welcome.heartbeat_s / 3))
            while self._orphans:
                for made in Collected.results_of(self._orphans.pop(), self._access.result):
                    with contextlib.suppress(Exception):  # nobody wants to know
                        made()
            if self._line is None:
                continue
            self._returns.give_back()
            now_s = self._loop.time()
            if self._state.is_silent(now_s):
                self._line.shut(TimeoutError(f"nothing was heard for {welcome.heartbeat_s} s"))
            elif self._state.is_ping_due(now_s):
                self._line.write(iter([[self._state.ping()]]))


def _lane() -> int:
    """Of the task that calls."""
    return id(asyncio.current_task()) & _LANES


def _no_share(reference: Reference) -> bytes:
    raise TypeError(
        f"{reference!r} is held by a client of an event loop. Ask that one for a ticket (share)."
    )
