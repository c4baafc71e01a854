"""Link: how this process reaches a cluster and the desk of its scheduler."""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import os
import socket
import threading
import uuid
import weakref
from collections.abc import Coroutine
from typing import Any, TypeVar

from distributed import Client, get_client

from interlock.context.dask.desk.answers import GONE, OPERATION, TOO_MANY, Answer
from interlock.context.dask.desk.plugin import Desk
from interlock.context.dask.packing import now
from interlock.context.dask.work.place import leave_slot
from interlock.errors import InterlockError, LimitReached, NoSuchObject, ServerGone, WouldDeadlock

__all__ = ["Link", "link_here", "link_of"]

LOOK_S = 0.05  # in which a waiting thread looks whether it is to stop
T = TypeVar("T")

_links: weakref.WeakKeyDictionary[Client, Link] = weakref.WeakKeyDictionary()
_making, _finding = threading.Lock(), threading.Lock()


class Link:
    """A client of Dask, and how calls to the desk go by it.

    Args:
        client: Of `distributed`, connected.
    """

    def __init__(self, client: Client) -> None:
        self._client = weakref.ref(client)  # it is kept by the context, or by Dask in a worker
        self._is_registered = False
        self._registering = threading.Lock()
        self._host = socket.gethostname()
        self._pid = os.getpid()

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

    def caller(self, task: int = 0) -> list[Any]:
        """This thread, or a task of its event loop, as the desk knows callers."""
        return [self.client.id, self._host, os.getpid(), threading.get_native_id(), task]

    # ---- things ------------------------------------------------------------------

    def make(self, kind: str, *arguments: Any) -> str:
        """Have a new thing at the desk; its name.

        Raises:
            ServerGone: The scheduler cannot be reached, or has no Interlock.
            LimitReached: There are too many.
        """
        self.register()
        name = f"{kind}-{uuid.uuid4().hex}"
        self.wait(self.asked(self.caller(), "", "make", name, kind, list(arguments)))
        return name

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

    def idle(self, keys: list[Any]) -> list[Any]:
        """Those of these tasks that no worker has yet.

        Raises:
            ServerGone: The scheduler is lost.
        """
        self.register()
        answer = self.wait(self.asked(self.caller(), "", "idle", keys))
        found: list[Any] = answer[1]
        return found

    async def asked(
        self, caller: list[Any], thing: str, method: str, *arguments: Any,
        wait_s: float | None = None, ticket: str | None = None,
    ) -> Answer:  # fmt: skip
        """Call a thing, in the client's event loop.

        Args:
            caller: Who calls.
            thing: Its name; empty for the desk itself.
            method: What it is to do.
            arguments: Plain values.
            wait_s: How long the desk may wait, in seconds; None for any time.
            ticket: The number of the call; None to have one made.

        Raises:
            NoSuchObject: Who made the thing has ended, and the thing with it.
            ServerGone: The scheduler is lost.

        If a process dies: the scheduler: see ServerGone.
        """
        ticket = ticket or uuid.uuid4().hex
        answer: Answer
        try:
            answer = await self._sent(caller, thing, method, ticket, wait_s, list(arguments))
        except asyncio.CancelledError:
            self.give_up(caller, ticket)
            raise
        except OSError as error:
            raise self._lost(error) from error
        if answer[0] == GONE:
            raise NoSuchObject(
                f"The {thing.partition('-')[0] or 'desk'} is no more: the program or the worker "
                "that made it has ended, or its context was closed."
            )
        if answer[0] == TOO_MANY:
            raise LimitReached(f"The scheduler has {answer[1]} queues, locks and the like.")
        return answer[0], answer[1]

    async def _sent(
        self, caller: list[Any], thing: str, method: str, ticket: str, wait_s: float | None,
        arguments: list[Any],
    ) -> Any:  # fmt: skip
        handler: Any = getattr(self.client.scheduler, OPERATION)
        return await handler(
            thing=thing,
            method=method,
            caller=caller,
            ticket=ticket,
            wait_s=wait_s,
            arguments=arguments,
        )

    def give_up(self, caller: list[Any], ticket: str) -> None:
        """Nobody waits for this call any more: what it took, or is to take, is taken back."""
        with contextlib.suppress(InterlockError):  # then it is taken back without being asked for
            self.begin(self._sent(caller, "", "forget", uuid.uuid4().hex, None, [ticket]))

    def tell(self, caller: list[Any], thing: str, method: str, *arguments: Any) -> None:
        """Call a thing without an answer, after all that this client has wished for before."""
        send: Any = self.client._send_to_scheduler
        message = {"op": OPERATION, "thing": thing, "method": method, "caller": caller}
        send(message | {"arguments": list(arguments)})

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
        except BaseException:
            coroutine.close()
            raise

    def wait(self, coroutine: Coroutine[Any, Any, T], ticket: str | None = None) -> T:
        """Run it in the client's event loop, and wait for what it returns.

        A task of Dask that has to wait leaves its slot to others.

        Args:
            coroutine: What is run.
            ticket: Of the call that it makes; given up if this thread is interrupted.

        Raises:
            WouldDeadlock: This is the thread of the client's event loop.
            Exception: What it raised.

        If a process dies: what the coroutine has for that.
        """
        if self.client.asynchronous:
            coroutine.close()
            raise WouldDeadlock(
                "This is the thread of Dask's event loop, which would wait for itself. Await the "
                "same by `.aio`."
            )
        future = self.begin(coroutine)
        try:
            # In pieces: an exception that is sent to this thread is raised between two.
            if not concurrent.futures.wait([future], LOOK_S).done:
                leave_slot()
                while not concurrent.futures.wait([future], LOOK_S).done:
                    continue
        except BaseException:
            future.cancel()
            if ticket is not None:
                self.give_up(self.caller(), ticket)
            raise
        return future.result()


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
