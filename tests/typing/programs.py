"""Small programs of a user who checks types: one that is right, and slips that are not."""

from __future__ import annotations

RIGHT = """
import asyncio
import interlock
from interlock import Full
from interlock.connection.aio import AsyncConnection
from interlock.managers import BaseManager, SyncManager, awaited, pipeline, serve, under
from interlock.managers.serving.fences import FencingToken
from interlock.queues import Queue
from interlock.queues.aio import AsyncQueue
from interlock.testing import Sequencer, check_queue


class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    def add(self, amount: int) -> int:
        self.value += amount
        return self.value

    async def later(self, amount: int) -> str:
        return str(self.add(amount))


class Hub(BaseManager):
    counter = serve(Counter)


@Hub.serve
class Later(Counter):
    pass


async def count(hub: Hub, token: FencingToken) -> int:
    counter: Counter = hub.counter(start=3)
    with pipeline(counter):
        counter.add(1)
    fenced: Counter = under(token, hub.make(Later, 5))
    number: int = await awaited(fenced.add, 2)
    text: str = await awaited(counter.later, 2)
    assert len(text) == len(asyncio.run(awaited(counter.later, 3)))
    return number + counter.add(1)


def alone(manager: SyncManager) -> None:
    lock, state = manager.Lock(), manager.dict()
    with lock:
        under(lock, state)["by"] = "me"


def work(numbers: Queue[int], results: Queue[str]) -> None:
    for number in numbers:
        results.put(str(number + 1))
    with numbers.lease(timeout=1.0) as delivery:
        assert delivery.attempt >= 1
    more: list[int] = numbers.get_many(3)
    numbers.put_many(more, timeout=0.5)


async def await_both(numbers: Queue[int]) -> int:
    aio: AsyncQueue[int] = numbers.aio
    await aio.put(1)
    receiver, sender = interlock.Pipe(duplex=False)
    there: AsyncConnection = sender.aio
    await there.send("message")
    receiver.poll(None)
    return await aio.get()


if __name__ == "__main__":
    context = interlock.get_context("spawn")
    numbers: Queue[int] = context.Queue(maxsize=3, max_deliveries=2)
    results: Queue[str] = interlock.Queue()
    process = context.Process(target=work, args=(numbers, results))
    process.start()
    try:
        numbers.put_nowait(1)
    except Full as full:
        print(full.accepted)
    text: str = results.get()
    left: int = numbers.qsize() + numbers.statistics().ready
    order = Sequencer("first", "second")
    with order("first"):
        print(text, left, process.exitcode)
    with interlock.get_context("thread") as threads:
        waiting: int = threads.Queue(3).qsize() + len(threads.Pool(1).map(abs, [1]))
        can_kill: bool = threads.capabilities.kills
    elsewhere = interlock.get_context(text, address="tcp://host:1")
    print(waiting, can_kill, elsewhere.Lock().acquire())
    check_queue(context.Queue, context=context, without={"tasks"})
"""

# What is wrong, and the code of the error that must be told at its line.
WRONG: tuple[tuple[str, str], ...] = (
    ("numbers.put('text')", "arg-type"),
    ("text: str = numbers.get()", "assignment"),
    ("numbers.put_many(['text'])", "list-item"),
    ("interlock.get_context('thread').Queue('three')", "arg-type"),
    ("numbers.get(timeout='soon')", "arg-type"),
    ("numbers.no_such_method()", "attr-defined"),
    ("interlock.Queue(max_byte=3)", "call-arg"),
    ("interlock.Queue('three')", "arg-type"),
    ("with numbers.lease() as delivery: delivery.attempt = 2", "misc"),
    ("for number in numbers: number.upper()", "attr-defined"),
    ("interlock.Pipe(max_bytes='large')", "arg-type"),
    ("interlock.Pipe()[0].send()", "call-arg"),
    ("message: str = numbers.aio.get()", "assignment"),
    ("interlock.nonsense", "attr-defined"),
    ("hub.counter('3')", "arg-type"),
    ("hub.counter().add('3')", "arg-type"),
    ("hub.counter().subtract(3)", "attr-defined"),
    ("total: str = hub.counter().add(3)", "assignment"),
    ("hub.make(Counter, '3')", "arg-type"),
    ("under(3, hub.counter())", "arg-type"),
)
BEGIN_OF_WRONG = """
import interlock
from interlock.managers import BaseManager, awaited, serve, under
from interlock.queues import Queue


class Counter:
    def __init__(self, start: int = 0) -> None:
        self.value = start

    def add(self, amount: int) -> int:
        return self.value + amount


class Hub(BaseManager):
    counter = serve(Counter)


hub = Hub()
numbers: Queue[int] = interlock.Queue()
"""
