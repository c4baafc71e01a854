"""What a session keeps of one frame of calls, until its client has the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence

from interlock.managers.wire.bodies import Answer, Call, Calls, Encoded

__all__ = ["Kept", "Request"]

Kept = tuple[Answer, list[memoryview]]
"""What came of a call, and the buffers that belong to it."""


class Request:
    """One frame of calls, which are run one after another and answered together.

    Attributes:
        call: Its number.
        lane: Requests of one lane are run one after another.
        calls: What to call.
        buffers: Of each call.
        nbytes: What it takes in memory until it is answered.
        at: How many calls have been run.
        answers: Of those.
        answer_buffers: That belong to them.
        task: What runs the present call, if that is not the dispatcher itself.
        is_cancelled: Whether the client waits for it no more.
        encoded: The answer, when it is there.
        unsure: What is undone if the answer never comes to the client, by keys of `Session.hold`;
            and what is called when it is known to have come.
        recorded: How many of the answers a journal has.
    """

    __slots__ = (
        "answer_buffers", "answers", "at", "buffers", "call", "calls", "encoded", "is_cancelled",
        "lane", "nbytes", "recorded", "task", "unsure",
    )  # fmt: skip

    def __init__(
        self, number: int, body: Calls, buffers: list[Sequence[memoryview]], nbytes: int
    ) -> None:
        self.call = number
        self.lane = body.lane
        self.calls: list[Call] = body.calls
        self.buffers = buffers
        self.nbytes = nbytes
        self.at = 0
        self.answers: list[Answer] = []
        self.answer_buffers: list[memoryview] = []
        self.task: asyncio.Task[None] | None = None
        self.is_cancelled = False
        self.encoded: Encoded | None = None
        self.recorded = 0
        self.unsure: list[tuple[Hashable, Callable[[], object]]] = []
