"""Link: how this process reaches a cluster and the desk of its scheduler."""

from __future__ import annotations

import asyncio
import concurrent.futures
import itertools
import os
import pickle
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from distributed import Client, get_client

from interlock.context.board.answers import RAISED, unpacked
from interlock.context.dask.called import Called
from interlock.context.dask.desk import LATER, OPERATION, Desk
from interlock.context.dask.later import Later
from interlock.context.dask.line import DaskLine
from interlock.context.dask.packing import now
from interlock.context.dask.work.place import leave_slot
from interlock.errors import ServerGone, WouldDeadlock
from interlock.serialize.whole import from_whole

__all__ = ["Link", "link_here", "link_of"]

LOOK_S = 0.05  # in which a waiting thread looks whether it is to stop
T = TypeVar("T")

_links: weakref.WeakKeyDictionary[Client, Link] = weakref.WeakKeyDictionary()
_making, _finding = threading.Lock(), threading.Lock()


class Link:
    """A client of Dask, and how calls to the desk go by it.

    Args:
        client: Of `distributed`, connected.

    Attributes:
        line: To the board of the cluster.
    """

    def __init__(self, client: Client) -> None:
        self._client = weakref.ref(client)  # it is kept by the context, or by Dask in a worker
        self._is_registered = False
        self._registering = threading.Lock()
        self._later, self._tickets = Later(), itertools.count(1)
        self._pid = os.getpid()
        self.line = DaskLine(self)

    @property
    def client(self) -> Client:
        """The client of `distributed`.

        Raises:
            ServerGone: It was closed.
        """
        if os.getpid() != self._pid:
            raise ServerGone(
                "This process was forked from one that has the connection to Dask's scheduler, and "
                "has not got it. Use the context where it was made, or in its tasks and processes."
            )
        client = self._client()
        if client is None or client.status not in ("running", "connecting"):
            raise ServerGone(
                "The connection to Dask's scheduler is closed. Make a new context by "
                'interlock.get_context("dask", ...), and keep it as long as its things are used.'
            )
        return client

    @property
    def is_lost(self) -> bool:
        """Whether there is no connection at this moment."""
        client = self._client()
        return client is None or client.status != "running"

    # ---- the desk ----------------------------------------------------------------

    def register(self) -> None:
        """See to it that the scheduler has the desk.

        Raises:
            ServerGone: The scheduler cannot be reached, or has no Interlock.
        """
        with self._registering:
            if self._is_registered:
                return
            client = self.client
            try:
                client.register_plugin(Desk())
            except OSError as error:
                raise self._lost(error) from error
            except Exception as error:
                address = client.scheduler_info()["address"]
                raise ServerGone(
                    f"Dask's scheduler at {address} does not take Interlock's plugin, which queues "
                    f"and locks need: {str(error).rstrip('.')}. Install the same release of "
                    "interlock[dask] where the scheduler and the workers run."
                ) from error
            self._is_registered = True

    def idle(self, keys: list[Any]) -> tuple[list[Any], list[Any]]:
        """Those of these tasks that no worker has yet, and those that the scheduler has not.

        Raises:
            ServerGone: The scheduler is lost.
        """
        self.register()
        idle, unknown = self.wait(lambda: self.asked("idle", keys))
        return idle, unknown

    async def asked(self, method: str, *args: Any) -> Any:
        """Call the desk, in the client's event loop; what its method returned.

        Raises:
            ServerGone: The scheduler is lost.
            Exception: What it raised.

        If a process dies: the scheduler: see Raises.
        """
        client: Any = self.client
        handler: Any = getattr(client.scheduler, OPERATION)
        ticket, asked = next(self._tickets), pickle.dumps((method, args))
        later = self._later.expect(client, ticket)
        try:
            data = await handler(client=client.id, ticket=ticket, data=asked)
            if data == LATER:
                data = await self._later.answer(client, later)
        except OSError as error:
            raise self._lost(error) from error
        finally:
            self._later.forget(ticket)
        kind, value = unpacked(from_whole(data))
        if kind == RAISED:
            raise value
        return value

    def wish_for(self, key: Any) -> None:
        """Have the scheduler keep a result for this client, and tell it how its task ends."""
        client = self.client
        send: Any = client._send_to_scheduler
        send({"op": "client-desires-keys", "keys": [key], "client": client.id})

    def _lost(self, error: BaseException) -> ServerGone:
        return ServerGone(
            f"Dask's scheduler is lost: {error}. What lay there, queues and locks and their "
            "contents, is lost with it; start a scheduler and make a new context."
        )

    # ---- waiting -----------------------------------------------------------------

    def begin(self, coroutine: Coroutine[Any, Any, T]) -> concurrent.futures.Future[T]:
        """Run it in the client's event loop.

        Raises:
            ServerGone: The client was closed.
        """
        try:
            loop: Any = self.client.loop
            return asyncio.run_coroutine_threadsafe(coroutine, loop.asyncio_loop)
        except Exception:  # not what comes from outside: it may have begun
            coroutine.close()
            raise

    def wait(self, call: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Call it in the client's event loop, and wait for what its coroutine returns.

        Args:
            call: Gives the coroutine, which is cancelled if this thread is interrupted.

        Raises:
            WouldDeadlock: This is the thread of the client's event loop.
            Exception: What it raised.

        If a process dies: what the coroutine has for that.
        """
        called = self.called(call)
        try:
            called.begin()
            self.wait_for(called)
        except BaseException:
            called.cancel()
            raise
        return called.result()

    def called(self, call: Callable[[], Coroutine[Any, Any, T]]) -> Called[T]:
        """A call of it in the client's event loop, which is not begun yet.

        Raises:
            ServerGone: The client was closed.
        """
        loop: Any = self.client.loop
        return Called(loop.asyncio_loop, call)

    def wait_for(self, called: Called[Any]) -> None:
        """Wait until it is done; a task of Dask that has to wait leaves its slot to others.

        Raises:
            WouldDeadlock: This is the thread of the client's event loop.

        If a process dies: what the call has for that.
        """
        if self.client.asynchronous:
            raise WouldDeadlock(
                "This is the thread of Dask's event loop, which would wait for itself. Await the "
                "same by `.aio`."
            )
        # In pieces: an exception that is sent to this thread is raised between two.
        if not called.wait(LOOK_S):
            leave_slot()
            while not called.wait(LOOK_S):
                continue


def link_of(client: Client) -> Link:
    """The link of this client."""
    with _making:
        link = _links.get(client)
        if link is None:
            link = _links[client] = Link(client)
        return link


def link_here() -> Link:
    """The link of what is unpacked here; in a worker, of the worker.

    Raises:
        ServerGone: This process has none.
    """
    if now.link is not None:
        return now.link
    try:
        with _finding:  # Dask shows a client to others before it is connected
            return link_of(get_client())
    except ValueError:
        raise ServerGone(
            "This process has no connection to a cluster. Things of the dask context are used in "
            "its tasks and processes, and where the context was made."
        ) from None
