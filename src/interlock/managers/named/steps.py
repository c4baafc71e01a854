"""An operation of a client as steps, run alike by threads and by asyncio.

An operation is a generator: it yields a call, gets its result, and returns the operation's. So each
is written once. Values are encoded here: the server keeps bytes.
"""

from __future__ import annotations

import itertools
from collections.abc import Generator
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from interlock.managers.aio import AsyncClient
from interlock.managers.client import Client
from interlock.managers.references import Reference
from interlock.managers.served.thing import Fence

__all__ = ["Call", "Fenced", "Steps", "Tell", "Tickets", "run", "run_async"]

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """Call a method, and wait for its result.

    Attributes:
        method: Its name.
        args: Its arguments.
        undo: What is told if the waiting is interrupted: a method and its argument.
    """

    method: str
    args: tuple[Any, ...] = ()
    undo: tuple[str, int] | None = None


@dataclass(frozen=True)
class Tell:
    """Call a method whose result nobody waits for."""

    method: str
    args: tuple[Any, ...] = ()


Steps = Generator[Call | Tell, Any, T]

Tickets = itertools.count
"""Numbers for what a client takes; each is used once in a session."""


class Fenced(Protocol):
    """What knows the fence of changes: the lock of a program."""

    def fence(self) -> Fence:
        """The lock's number and the token with which it was acquired.

        Raises:
            LockNotHeld: It was not.
        """


def run(client: Client, reference: Reference, steps: Steps[T]) -> T:
    """Take the steps, in this thread.

    Raises:
        Exception: What a call raised.

    If a process dies: as `Client`.
    """
    given: Any = None
    while True:
        try:
            step = steps.send(given)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Tell):
            client.tell(reference, step.method, *step.args)
            given = None
            continue
        try:
            given = client.call(reference, step.method, *step.args)
        except Exception:
            raise
        except BaseException:  # interrupted: it may be run all the same
            if step.undo is not None:
                client.tell(reference, *step.undo)
            raise


async def run_async(client: AsyncClient, reference: Reference, steps: Steps[T]) -> T:
    """As `run`, awaited.

    Raises:
        Exception: As `run`.

    If a process dies: as `Client`.
    """
    given: Any = None
    while True:
        try:
            step = steps.send(given)
        except StopIteration as done:
            result: T = done.value
            return result
        if isinstance(step, Tell):
            client.tell(reference, step.method, *step.args)
            given = None
            continue
        try:
            given = await client.call(reference, step.method, *step.args)
        except Exception:
            raise
        except BaseException:
            if step.undo is not None:
                client.tell(reference, *step.undo)
            raise
