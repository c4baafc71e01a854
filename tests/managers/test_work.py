"""One call in a server: its arguments, its result, and what becomes of it at the end (P2, P4)."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from interlock.errors import DecodeError
from interlock.managers.auth import Peer
from interlock.managers.bounds import Bounds
from interlock.managers.faults import unpack_fault
from interlock.managers.objects import Registry
from interlock.managers.references import Objects, Reference, Shared, exchange
from interlock.managers.serving.desk import Desk, caller, desk_type
from interlock.managers.serving.dispatch import Dispatcher
from interlock.managers.serving.session import Session
from interlock.managers.wire.bodies import Answers, Call, Calls, Encoded, decode, encode
from interlock.managers.wire.frames import Message
from interlock.managers.wire.values import pack, unpack

BOUND_S = 10.0
SERVER = b"s" * 16
NONE = pack(((), {}))[0]
Methods = dict[str, Callable[..., Any]]


class Client:
    """A session, and what its connection was given to send."""

    def __init__(self, server: Server, name: str) -> None:
        self._dispatcher = server.dispatcher
        self.session = Session(
            name.encode() * 16, b"k" * 32, Peer(name, "tcp", "here"), server.bounds
        )
        self.session.line = self
        self.session.give(server.shared)
        self._target = server.shared.id
        self._answers: dict[int, asyncio.Future[Any]] = {}

    def answer(self, call: int, encoded: Encoded) -> None:
        """As a connection: a value, or an error."""
        kind, body, buffers = encoded
        made = decode(Message(kind, call, body, buffers), Answers).answers[-1]
        self._answers[call].set_result(
            unpack_fault(made.data, []) if made.failed else unpack(made.data, [])
        )

    def send(self, number: int, *methods: str, data: bytes = NONE) -> asyncio.Future[Any]:
        """Call these with such arguments; the result of the last."""
        made = self._answers[number] = asyncio.get_running_loop().create_future()
        kind, body, _ = encode(
            Calls(number, [], [Call(self._target, name, data) for name in methods])
        )
        self.session.received(Message(kind, number, body, []))
        self._dispatcher.wake(self.session)
        return made


class Server:
    """A dispatcher with one object, which has these methods; some of them run inline."""

    def __init__(self, methods: Methods, inline: tuple[str, ...], bounds: Bounds | None) -> None:
        self.bounds = bounds or Bounds()
        registry, objects = Registry(), Objects(SERVER)
        exposed = registry.register("worker", cls=object, exposed=methods, inline=inline)
        desk = Shared(0, Desk(registry, objects, None, time.monotonic), desk_type())
        self.dispatcher = Dispatcher(
            registry, objects, desk, None, self.bounds, hide_tracebacks=False
        )
        self.shared = objects.add(object(), exposed)


def served(
    script: Callable[[Server], Any],
    methods: Methods,
    inline: tuple[str, ...] = (),
    bounds: Bounds | None = None,
) -> Any:
    """What a script returns that runs beside such a server."""

    async def main() -> Any:
        server = Server(methods, inline, bounds)
        running = asyncio.create_task(server.dispatcher.run())
        try:
            return await asyncio.wait_for(script(server), BOUND_S)
        finally:
            running.cancel()
            await server.dispatcher.stop()

    return asyncio.run(main())


class Passing:
    """As a client that sends whatever reference it likes."""

    def sent(self, reference: Reference) -> bytes | None:
        """Without a ticket."""

    def received(self, reference: Reference, ticket: bytes | None) -> object:
        """Nothing comes."""

    def present(self, reference: Reference) -> object:
        """Nothing comes."""


def of_another_server(number: int) -> bytes:
    """Arguments with a reference whose number the client has at this server."""
    with exchange(Passing()):
        return pack(((Reference(b"o" * 16, number, "worker", (), None),), {}))[0]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (pack([(), {}])[0], "a tuple and a dict"),
        (pack(((), {}, 1))[0], "a tuple and a dict"),
        (pack(([], {}))[0], "a tuple and a dict"),
        (pack(((), {1: 2}))[0], "names of arguments are str"),
        (of_another_server(1), "another server"),
    ],
)
def test_arguments_that_are_none_are_refused(data: bytes, words: str) -> None:
    """The method is not run, and the error says what is wrong."""
    ran: list[object] = []

    async def script(server: Server) -> Any:
        return await Client(server, "a").send(1, "note", data=data)

    error = served(script, {"note": lambda *args, **kwargs: ran.append(args)}, ("note",))
    assert isinstance(error, DecodeError)
    assert words in str(error)
    assert ran == []


def test_an_async_function_behind_a_plain_one_is_told() -> None:
    """What it returns would never be awaited."""

    async def script(server: Server) -> Any:
        return await Client(server, "a").send(1, "hidden")

    error = served(
        script, {"hidden": lambda _: asyncio.get_running_loop().create_future()}, ("hidden",)
    )
    assert isinstance(error, TypeError)
    assert "register it as such" in str(error)


def test_a_call_that_is_cancelled_before_its_turn_is_not_run() -> None:
    ran: list[int] = []

    async def script(server: Server) -> Any:
        client = Client(server, "a")
        answer = client.send(1, "note")
        client.session.cancel(1)
        return await answer

    error = served(script, {"note": lambda _: ran.append(1)}, ("note",))
    assert "CancelledError" in str(error)
    assert ran == []


def test_a_call_that_waits_for_a_thread_is_cancelled_at_once() -> None:
    """It is answered while the one before it has the only thread."""
    began, opened, ran = threading.Event(), threading.Event(), list[bool]()

    def wait(_: object) -> None:
        began.set()
        ran.append(opened.wait(BOUND_S))

    async def script(server: Server) -> Any:
        client = Client(server, "a")
        first, second = client.send(1, "wait"), client.send(2, "wait")
        while not began.is_set() or not server.dispatcher._threads._work_queue.qsize():
            await asyncio.sleep(0)
        client.session.cancel(2)
        error = await second
        opened.set()
        assert await first is None
        return error

    assert "CancelledError" in str(served(script, {"wait": wait}, bounds=Bounds(threads=1)))
    assert ran == [True]


def test_one_client_does_not_have_all_threads() -> None:
    """It has two calls that wait for what another client's call brings; there are two threads."""
    opened = threading.Event()

    async def script(server: Server) -> Any:
        one, other = Client(server, "a"), Client(server, "b")
        waiting = [one.send(1, "wait"), one.send(2, "wait")]
        while server.dispatcher.running < 2:
            await asyncio.sleep(0)
        await other.send(1, "open")
        return await asyncio.gather(*waiting)

    methods: Methods = {"wait": lambda _: opened.wait(BOUND_S / 3), "open": lambda _: opened.set()}
    bounds = Bounds(threads=2, threads_a_client=1)
    assert served(script, methods, bounds=bounds) == [True, True]


def test_a_frame_whose_client_is_gone_is_not_run_further() -> None:
    """The call that was under way is cancelled, and those behind it are not begun."""
    ran: list[str] = []

    async def wait(_: object) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ran.append("cancelled")

    async def script(server: Server) -> None:
        client = Client(server, "a")
        client.send(1, "wait", "note")
        while not server.dispatcher.running:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert client.session.end() == []
        while server.dispatcher.running:
            await asyncio.sleep(0)
        await Client(server, "b").send(1, "nothing")  # the ring has gone round

    served(
        script,
        {"wait": wait, "note": lambda _: ran.append("note"), "nothing": lambda _: None},
        ("note", "nothing"),
    )
    assert ran == ["cancelled"]


def test_a_result_that_cannot_be_sent_gives_no_reference() -> None:
    """What stands beside the part that cannot travel is not the client's."""

    def both(_: object) -> list[object]:
        return [Reference.to(Shared(99, object(), desk_type()), SERVER), object()]

    async def script(server: Server) -> Any:
        client = Client(server, "a")
        error = await client.send(1, "both")
        assert 99 not in client.session.shared()
        return error

    assert "object" in str(served(script, {"both": both}, ("both",)))


def test_what_a_method_took_before_it_failed_is_known_by_its_error() -> None:
    """It is not undone: the error has told of it."""
    told: list[str] = []

    def fail(_: object) -> None:
        caller().unless_known(lambda: told.append("undone"), lambda: told.append("known"))
        raise ValueError("v")

    async def script(server: Server) -> Any:
        client = Client(server, "a")
        error = await client.send(1, "fail")
        client.session.end()
        return error

    assert isinstance(served(script, {"fail": fail}, ("fail",)), ValueError)
    assert told == ["known"]
