"""What inputs and results cost on their way: sent through one of our queues, as a pool does it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from statistics import fmean, median
from typing import Any

from interlock.advice.facts import Travel
from interlock.context import get_context
from interlock.errors import SerializationError
from interlock.pool.messages import encoded
from interlock.serialize.functions import pack_function

__all__ = ["travel"]

LOOKED_AT = 4
ROUNDS = 3


def travel(
    function: Callable[..., Any], inputs: Sequence[Any], results: Sequence[Any], budget_s: float
) -> Travel:
    """What it costs to have the function's work done in another process.

    Args:
        function: What is to run there.
        inputs: Some.
        results: Some.
        budget_s: Begin no further measurement after so many seconds.
    """
    until = time.perf_counter() + budget_s
    try:
        what = "the function"
        function_bytes = len(pack_function(function))
        what = "an input"
        there = [_one(each, until) for each in inputs[:LOOKED_AT]]
        what = "a result"
        back = [_one(each, until) for each in results[:LOOKED_AT]]
    except Exception as error:
        return Travel(refused=f"{what} cannot be sent: {_first_sentence(error)}")
    return Travel(
        bytes_in=round(fmean(each[0] for each in there)),
        bytes_out=round(fmean(each[0] for each in back)) if back else 0,
        shared_in=round(fmean(each[1] for each in there)),
        shared_out=round(fmean(each[1] for each in back)) if back else 0,
        here_s=fmean(each[2] for each in there) + (fmean(each[3] for each in back) if back else 0),
        there_s=fmean(each[3] for each in there) + (fmean(each[2] for each in back) if back else 0),
        function_bytes=function_bytes,
    )


def _one(value: Any, until: float) -> tuple[int, int, float, float]:
    """Its bytes, those of its large buffers, and the times to send and to receive it.

    The median, or of two the better: the first has to do with fresh memory, which a pool has once.

    Raises:
        Exception: It cannot be sent.
    """
    data, buffers, tickets = encoded(value)
    aside = sum(buffer.nbytes for buffer in buffers)
    del buffers
    if tickets:  # it has descriptors in it; one sending must do
        from interlock._handover import revoke

        revoke(tickets)
        return len(data) + aside, aside, 0.0, 0.0
    queue = get_context("fork").Queue(writable=True)
    puts: list[float] = []
    gets: list[float] = []
    try:
        for _ in range(ROUNDS):
            started = time.perf_counter()
            queue.put(value)
            sent = time.perf_counter()
            received = queue.get()
            gets.append(time.perf_counter() - sent)
            puts.append(sent - started)
            del received
            if time.perf_counter() > until:
                break
    finally:
        queue.close()
    if len(puts) < ROUNDS:
        return len(data) + aside, aside, min(puts), min(gets)
    return len(data) + aside, aside, median(puts), median(gets)


def _first_sentence(error: Exception) -> str:
    """With the path, where there is one."""
    text = " ".join(str(error).replace("Nothing was sent.", "").split()) or type(error).__name__
    if not isinstance(error, SerializationError):
        text = f"{type(error).__name__}: {text}"
    return text if len(text) <= 300 else f"{text[:300]}..."
