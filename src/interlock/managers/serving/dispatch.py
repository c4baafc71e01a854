"""Which call is run next, and by what: clients by turns, some calls each.

Sessions with something to run stand in a ring. Each in turn has at most TURN of its calls run, and
no further one when those have taken TURN_S. So however much a client sends, another waits for one
turn of each other client at most. What may wait or take long (async methods, methods in threads)
leaves the ring until it is done, and its session goes on with what else it has. Where nobody stands
in the ring, who comes has its turn at once: each connection is read once in a round of the loop, so
that is by turns as well.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextvars
import inspect
import logging
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from interlock.errors import (
    AccessDenied,
    BadArgument,
    DecodeError,
    InterlockError,
    LimitReached,
    NoSuchObject,
    NotExposed,
)
from interlock.managers.auth import Permissions, check_permitted
from interlock.managers.bounds import Bounds
from interlock.managers.faults import pack_fault
from interlock.managers.objects import Method, Registry
from interlock.managers.references import Objects, Reference, Shared, exchange
from interlock.managers.serving.desk import Caller, _caller
from interlock.managers.serving.fences import original
from interlock.managers.serving.recorder import Recorder
from interlock.managers.serving.request import Request
from interlock.managers.serving.session import Session
from interlock.managers.wire.bodies import Answer, Answers, Call, encode
from interlock.managers.wire.frames import BUFFERS_MAX
from interlock.managers.wire.values import Packed, pack, unpack

__all__ = ["TURN", "TURN_S", "Dispatcher"]

TURN, TURN_S = 16, 0.002
_STOP_S = 1.0
_CREATE = "create "
_log = logging.getLogger(__name__)


class Dispatcher:
    """Runs the calls of all sessions.

    Args:
        registry: What may be made.
        objects: What there is.
        desk: The object 0.
        permissions: Who may call what; None for all that is registered.
        bounds: Of the server.
        hide_tracebacks: Whether errors go to clients without the server's stack.
    """

    def __init__(
        self,
        registry: Registry,
        objects: Objects,
        desk: Shared,
        permissions: Permissions | None,
        bounds: Bounds,
        *,
        hide_tracebacks: bool,
    ) -> None:
        self._registry = registry
        self._objects = objects
        self._desk = desk
        self._permissions = permissions
        self._bounds = bounds
        self._hide = hide_tracebacks
        self._ring: deque[Session] = deque()
        self._in_ring: set[Session] = set()
        self._awake = asyncio.Event()
        self._is_over = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = concurrent.futures.ThreadPoolExecutor(
            bounds.threads, thread_name_prefix="interlock-manager"
        )
        self.names: dict[int, str] = {}  # of objects that are served by name
        self.recorder: Recorder | None = None

    def wake(self, session: Session) -> None:
        """Say that a session may have something to run."""
        if session.may_begin and session not in self._in_ring:
            self._in_ring.add(session)
            self._ring.append(session)
            self._awake.set()

    def come(self, session: Session) -> None:
        """Say that a session has received something."""
        if not self._ring and session.may_begin:
            self._turn(session)
        self.wake(session)

    async def run(self) -> None:
        """Run calls until cancelled."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            while self._ring:
                session = self._ring.popleft()
                self._in_ring.discard(session)
                self._turn(session)
                self.wake(session)
                await asyncio.sleep(0)  # others read, write, and come into the ring

    @property
    def running(self) -> int:
        """How many calls are being run that do not run inline."""
        return len(self._tasks)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is to be begun."""
        return not self._ring

    async def stop(self) -> None:
        """Cancel what runs, as far as it can be: a thread ends with its call, and is left to it."""
        for self._is_over in (False, True):
            for task in list(self._tasks):
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks, timeout=_STOP_S)
        self._threads.shutdown(wait=False, cancel_futures=True)

    # ---- one call --------------------------------------------------------------------------------

    def _turn(self, session: Session) -> None:
        ends_s = time.monotonic() + TURN_S
        for _ in range(TURN):
            if not session.may_begin or time.monotonic() > ends_s:
                return
            request = session.ready.popleft()
            if self._began(session, request):
                if request.at == len(request.calls):
                    self._answer(session, request)
                else:
                    session.ready.appendleft(request)

    def _began(self, session: Session, request: Request) -> bool:
        """Run the next call of a request; False if it goes on by itself."""
        work = _Work(self, session, request)
        try:
            method, target = self._resolve(session, work.call)
        except InterlockError as error:
            work.failed(error)
            work.settle()
            return True
        if request.is_cancelled:
            work.failed(concurrent.futures.CancelledError())
        elif method.runs == "inline":
            work.run(method, target)
        else:
            slowly = self._awaited if method.runs == "async" else self._threaded
            request.task = asyncio.get_running_loop().create_task(slowly(work, method, target))
            self._tasks.add(request.task)
            request.task.add_done_callback(self._tasks.discard)
            return False
        work.settle()
        return True

    def _resolve(self, session: Session, call: Call) -> tuple[Method, Shared]:
        if call.target == 0 and call.method.startswith(_CREATE):
            return self._factory(session, call.method.removeprefix(_CREATE)), self._desk
        if call.target == 0:
            return self._desk.exposed.method(call.method), self._desk
        shared = session.find(call.target)
        method = shared.exposed.method(call.method)
        names = [shared.exposed.typeid]
        if served := self.names.get(original(shared).id):
            names.append(served)
        check_permitted(self._permissions, session.peer.name, names, method.name, method.word)
        return method, shared

    def _factory(self, session: Session, typeid: str) -> Method:
        factory = self._registry.find(typeid).factory
        if factory is None:
            raise NotExposed(f"Clients may not make a {typeid}; nothing was run.")
        check_permitted(self._permissions, session.peer.name, [typeid], "create")
        session.check_objects()
        return factory

    async def _awaited(self, work: _Work, method: Method, target: Shared) -> None:
        try:
            with exchange(work):
                _caller.set(work.caller)
                args, kwargs = work.arguments(method, target)
                value = await method.function(target.target, *args, **kwargs)
                work.returned(method, value)
        except asyncio.CancelledError:
            work.failed(concurrent.futures.CancelledError())
        except Exception as error:
            work.failed(error)
        self._done(work)

    async def _threaded(self, work: _Work, method: Method, target: Shared) -> None:
        try:
            async with work.session.threads:
                context = contextvars.copy_context()
                running = self._threads.submit(context.run, work.run, method, target)
                await self._finished(running)
        except asyncio.CancelledError:  # before it began
            work.failed(concurrent.futures.CancelledError())
        self._done(work)

    async def _finished(self, running: concurrent.futures.Future[None]) -> None:
        """Wait for a thread to the end, whoever cancels the waiting: what it did must be answered.

        Unless the server ends.
        """
        waited = asyncio.wrap_future(running)
        while not waited.done():
            try:
                await asyncio.shield(waited)
            except asyncio.CancelledError:
                if self._is_over or running.cancel():
                    raise

    def _done(self, work: _Work) -> None:
        session, request = work.session, work.request
        request.task = None
        work.settle()
        if request.at == len(request.calls):
            self._answer(session, request)
        elif not session.is_over:
            session.ready.appendleft(request)
        self.wake(session)

    def _answer(self, session: Session, request: Request) -> None:
        encoded = encode(Answers(request.answers), request.answer_buffers)

        def send() -> None:
            session.answered(request, encoded)
            self.wake(session)

        if self.recorder is None:
            send()
        else:
            self.recorder.answer(send)

    def fault(self, error: BaseException) -> Packed:
        """An error as the client gets it."""
        if not isinstance(error, Exception | concurrent.futures.CancelledError):
            _log.error("a method raised what is no Exception", exc_info=error)
        return pack_fault(error, hide_traceback=self._hide or isinstance(error, _OF_THE_CALLER))

    def kept(self, method: Method, value: Any) -> Any:
        """A result that stays here, as the reference to it."""
        if method.returns is None or value is None or isinstance(value, Reference):
            return value
        shared = self._objects.add(value, self._registry.find(method.returns).of(value))
        return Reference.to(shared, self._objects.server)

    def own(self, reference: Reference) -> bool:
        """Whether it is to an object of this server."""
        return reference.server == self._objects.server

    def claimed(self, ticket: bytes) -> Shared:
        """The object of a ticket."""
        return self._objects.claim(ticket, time.monotonic())


# What the caller did wrong: the server's stack tells him nothing.
_OF_THE_CALLER = (
    *(AccessDenied, BadArgument, LimitReached, NoSuchObject, NotExposed, DecodeError),
    concurrent.futures.CancelledError,
)


class _Work:
    """One call, and what its values bring and take of references."""

    def __init__(self, dispatcher: Dispatcher, session: Session, request: Request) -> None:
        self.session = session
        self.request = request
        self.call = request.calls[request.at]
        self.caller = Caller(session.peer, session, request.lane)
        self._buffers: Sequence[memoryview] = request.buffers[request.at]
        self._dispatcher = dispatcher
        self._given: list[Shared] = []
        self._outcome: tuple[bool, Packed] | None = None

    def run(self, method: Method, target: Shared) -> None:
        """Call a method that is not async, in the thread that this is called in."""
        token = _caller.set(self.caller)
        try:
            with exchange(self):
                args, kwargs = self.arguments(method, target)
                value = method.function(target.target, *args, **kwargs)
                if inspect.isawaitable(value):
                    raise TypeError(f"{method.name}() is async; register it as such")
                self.returned(method, value)
        except BaseException as error:  # also what would end the server
            self.failed(error)
        finally:
            _caller.reset(token)

    def arguments(self, method: Method, target: Shared) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Of the call, checked.

        Raises:
            DecodeError, BadArgument: They are none, or of other types than declared.
        """
        made = unpack(self.call.data, self._buffers, self._dispatcher._bounds.values)
        if type(made) is not tuple or [type(part) for part in made] != [tuple, dict]:
            raise DecodeError("The arguments of a call are a tuple and a dict.", path="$")
        args, kwargs = made
        if not all(type(name) is str for name in kwargs):
            raise DecodeError("The names of arguments are str.", path="$[1]")
        if method.takes_objects:
            args = tuple(map(_object_of, args))
            kwargs = {name: _object_of(value) for name, value in kwargs.items()}
        method.check(target.target, args, kwargs)
        return args, kwargs

    def returned(self, method: Method, value: Any) -> None:
        """Take the result."""
        room = BUFFERS_MAX - 1 - len(self.request.answer_buffers) - len(self.request.calls)
        kept = self._dispatcher.kept(method, value)
        self._outcome = (False, pack(kept, self._dispatcher._bounds.values, room))

    def failed(self, error: BaseException) -> None:
        """Take the error instead."""
        self._given.clear()
        for _, known in self.caller.unsure:  # the error has it
            known()
        self.caller.unsure.clear()
        self._outcome = (True, self._dispatcher.fault(error))

    def settle(self) -> None:
        """Enter what came of it; in the server's loop."""
        assert self._outcome is not None
        failed, (data, buffers) = self._outcome
        if not self.session.is_over:
            for shared in self._given:
                self.session.give(shared)
        for undo, known in self.caller.unsure:
            self.session.hold_until_known(self.request, undo, known)
        self.request.answers.append(Answer(failed, data, len(buffers)))
        self.request.answer_buffers += buffers
        self.request.at += 1
        if self._dispatcher.recorder is not None:
            self._dispatcher.recorder.ran(self.session, self.request)

    # ---- references, as an Exchange --------------------------------------------------------------

    def sent(self, reference: Reference) -> bytes | None:
        """The client holds it from now on; it needs no ticket."""
        if isinstance(reference.holder, Shared):
            self._given.append(reference.holder)
            return None
        raise TypeError("a reference to another server cannot be sent on by this one")

    def received(self, reference: Reference, ticket: bytes | None) -> object:
        """The object, held from now on by whatever the reference is put in."""
        if ticket is not None:
            return self._dispatcher.claimed(ticket)
        if not self._dispatcher.own(reference):
            raise ValueError("it is a reference to another server")
        return self.session.find(reference.id)

    def present(self, reference: Reference) -> object:
        """Itself: it may be stored in an object, and be sent from there."""
        return reference


def _object_of(value: Any) -> Any:
    if isinstance(value, Reference) and isinstance(value.holder, Shared):
        return value.holder.target
    return value
