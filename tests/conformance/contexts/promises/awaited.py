""".aio: what blocks can be awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

from tests.conformance.contexts import work
from tests.conformance.contexts.promise import Bench, must, promise


def _run(main: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(main, 30))


@promise("Queue", "Process")
def a_queue_is_awaited(bench: Bench) -> None:
    """put() and get(), while other tasks run."""
    there, back = bench.context.Queue(), bench.context.Queue()
    must(hasattr(there, "aio"), "It has no view to be awaited.")
    process = bench.start(work.move, there, back, 2)

    async def main() -> None:
        async def give() -> None:
            for number in range(2):
                await there.aio.put(number)

        giving = asyncio.create_task(give())
        must([await back.aio.get(), await back.aio.get()] == [0, 1], "They are others.")
        await giving

    _run(main())
    bench.join(process)


@promise("Pipe", "Process")
def a_pipe_is_awaited(bench: Bench) -> None:
    """send() and recv()."""
    ours, theirs = bench.context.Pipe()
    must(hasattr(ours, "aio"), "It has no view to be awaited.")
    process = bench.start(work.echo, theirs, 1)

    async def main() -> None:
        await ours.aio.send("hello")
        must(await ours.aio.recv() == "hello", "It is another.")

    _run(main())
    bench.join(process)


@promise("Lock", "Process", "Queue")
def a_lock_is_awaited(bench: Bench) -> None:
    """acquire() goes on when another process has released it."""
    lock, said, go = bench.context.Lock(), bench.context.Queue(), bench.context.Queue()
    must(hasattr(lock, "aio"), "It has no view to be awaited.")
    process = bench.start(work.hold, lock, said, go)
    said.get(timeout=bench.long_s)

    async def main() -> None:
        must(not await lock.aio.acquire(timeout=bench.moment_s), "Two have it.")
        go.put("go")
        async with lock.aio:
            pass

    _run(main())
    bench.join(process)


@promise("Event")
def an_event_is_awaited(bench: Bench) -> None:
    """wait() of one task returns when another sets it."""
    event = bench.context.Event()

    async def main() -> None:
        waiting = asyncio.create_task(event.aio.wait())
        await asyncio.sleep(bench.moment_s)
        must(not waiting.done(), "It does not wait.")
        event.set()
        must(await waiting, "It waited in vain.")

    _run(main())


PROMISES = (a_queue_is_awaited, a_pipe_is_awaited, a_lock_is_awaited, an_event_is_awaited)
