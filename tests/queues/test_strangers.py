"""A queue in the hands of pollers that know nothing of it: its descriptor is exact."""

from __future__ import annotations

import asyncio
import concurrent.futures
import select
import selectors
from typing import Any

import pytest

import interlock
from interlock.errors import QueueClosed
from interlock.testing.trial import Trial


def is_readable(descriptor: int) -> bool:
    """What poll(2) says now."""
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def test_it_is_readable_while_there_is_a_message() -> None:
    """Not before the first, nor after the last, whichever way it is put and taken."""
    queue = interlock.Queue()
    descriptor = queue.fileno()
    assert not is_readable(descriptor)
    takes: list[Any] = [
        queue.get,
        queue.get_nowait,
        lambda: queue.get_many(5),
        lambda: queue.lease().__enter__().acknowledge(),
    ]
    for take in takes:
        for body in (1, bytes(100_000), {"a", "set"}):
            queue.put(body)
            assert is_readable(descriptor)
            take()
            assert not is_readable(descriptor)
    queue.put_many([1, 2])
    queue.get()
    assert is_readable(descriptor)
    queue.get()
    assert not is_readable(descriptor)


def test_a_lease_given_back_makes_it_readable() -> None:
    """It is silent while the message is out."""
    queue = interlock.Queue()
    descriptor = queue.fileno()
    queue.put("work")
    with queue.lease(timeout=1) as delivery:
        assert not is_readable(descriptor)
        delivery.give_back()
        assert is_readable(descriptor)


def test_shutdown_makes_it_readable_for_good() -> None:
    """Whoever waits is to see that nothing comes any more."""
    queue = interlock.Queue()
    descriptor = queue.fileno()
    queue.shutdown()
    assert is_readable(descriptor)
    assert is_readable(descriptor)


def test_another_process_s_messages_ring_it(trial: Trial) -> None:
    """A selector sleeps until a child has put; the queue has it then."""
    queue = trial.make()
    with selectors.DefaultSelector() as selector:
        selector.register(queue, selectors.EVENT_READ)
        child = trial.child(_put_when_told, queue, *(told := trial.pipe())[:1])
        assert selector.select(0) == []
        told[1].send_bytes(b"now")
        assert selector.select(30) != []
        assert queue.get_nowait() == "rung"
        assert selector.select(0) == []
    child.result()


def test_readable_means_that_a_message_is_there(trial: Trial) -> None:
    """One process polls and takes without waiting, while others put as fast as they can."""
    queue = trial.make(maxsize=5)
    children = [trial.child(_put_many, queue, 500) for _ in range(2)]
    poll = select.poll()
    poll.register(queue.fileno(), select.POLLIN)
    for _ in range(2 * 500):
        assert poll.poll(30_000)
        queue.get_nowait()
    assert poll.poll(0) == []
    for child in children:
        child.result()


def test_an_event_loop_s_reader_gets_every_message(trial: Trial) -> None:
    """asyncio's add_reader, which is level-triggered."""
    queue = trial.make()
    child = trial.child(_put_many, queue, 200)
    got: list[int] = []

    async def collect() -> None:
        loop = asyncio.get_running_loop()
        done = loop.create_future()

        def take() -> None:
            got.append(queue.get_nowait())
            if len(got) == 200:
                done.set_result(None)

        loop.add_reader(queue.fileno(), take)
        await asyncio.wait_for(done, 30)
        loop.remove_reader(queue.fileno())

    asyncio.run(collect())
    assert got == list(range(200))
    child.result()


def test_its_two_ends_are_there_for_who_looks_inside() -> None:
    """`queue._reader` and `queue._writer`, as programs for multiprocessing use them."""
    queue: Any = interlock.Queue()
    assert not queue._reader.poll()
    queue._writer.send({"a": 1})
    assert queue._reader.poll(1)
    assert interlock.connection.wait([queue._reader], 1) == [queue._reader]
    assert is_readable(queue._reader.fileno())
    assert queue._reader.recv() == {"a": 1}
    assert not queue._reader.poll(0.01)
    queue.close()
    assert queue._reader.closed
    with pytest.raises(QueueClosed):
        queue._reader.recv()


def test_an_executor_of_the_standard_library_runs_on_it(trial: Trial) -> None:
    """ProcessPoolExecutor takes its queues from the context."""
    context: Any = trial.context
    with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
        assert list(executor.map(abs, range(-50, 0), chunksize=5)) == list(range(50, 0, -1))


def _put_when_told(queue: Any, told: Any) -> None:
    told.recv_bytes()
    queue.put("rung")


def _put_many(queue: Any, count: int) -> None:
    for number in range(count):
        queue.put(number)
