"""Calls that are awaited: `.aio`, under asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from interlock.testing.contract import contract, must, raising
from interlock.testing.samples import first_fault
from interlock.testing.trial import Trial
from interlock.testing.worker_contracts import tasks
from interlock.testing.worker_contracts.lazy import Numbers
from interlock.testing.worker_contracts.subject import begin

__all__ = ["CONTRACTS"]

EACH = 50
TURNS = 1000  # of an event loop, within which whatever is there already has been told


@contract("aio")
def a_call_is_awaited(trial: Trial) -> None:
    """What it returns is there, what it raises is raised, and the loop goes on meanwhile."""
    subject, board = begin(trial)

    async def await_them() -> None:
        with raising(tasks.Refused, "A call that failed"):
            await subject.awaited(tasks.refuse_plainly)
        async with _begun(*(subject.awaited(tasks.held, board.post, n) for n in range(2))) as held:
            await asyncio.to_thread(board.next_words, 2)
            must(not any(each.done() for each in held), "One has a result while it runs.")
            board.open_gate()
            must(await asyncio.gather(*held) == [0, 1], "The results are others.")

    _run(trial, await_them())


@contract("aio", "cancel")
def a_cancelled_wait_ends_its_call(trial: Trial) -> None:
    """Who is cancelled while it waits cancels its call, which runs no longer; others go on."""
    subject, board = begin(trial, 1)

    async def cancel_it() -> None:
        async with _begun(subject.awaited(tasks.held, board.post)) as (unwanted,):
            await asyncio.to_thread(board.next_word)
            unwanted.cancel()
            with raising(asyncio.CancelledError, "A wait that was cancelled"):
                await unwanted
        must(await subject.awaited(tasks.square, 12) == 144, "A later call has another result.")

    _run(trial, cancel_it())


@contract("aio", "endless")
def results_are_awaited_one_by_one(trial: Trial) -> None:
    """In order, of an input that may be endless, and is read no further than needed."""
    subject, _ = begin(trial)
    numbers = Numbers()

    async def take() -> list[Any]:
        got: list[Any] = []
        results = subject.awaited_lazily(tasks.square, numbers)
        while len(got) < EACH:
            got.append(await anext(results))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return got

    got = _run(trial, take())
    must(got == [n * n for n in range(EACH)], f"They came as {first_fault(got)}.")
    must(not numbers.is_read_far.is_set(), f"For {EACH} results {numbers.read} items were read.")


@asynccontextmanager
async def _begun(*works: Coroutine[Any, Any, Any]) -> AsyncIterator[list[asyncio.Task[Any]]]:
    """Tasks, which nobody forgets where the contract is broken."""
    begun = [asyncio.create_task(work) for work in works]
    try:
        yield begun
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)


def _run(trial: Trial, work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, trial.rest_s()))


CONTRACTS = (
    a_call_is_awaited,
    a_cancelled_wait_ends_its_call,
    results_are_awaited_one_by_one,
)
