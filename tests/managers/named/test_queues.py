"""Queues by name: leases, bounds, dead letters; a client that is gone has taken nothing (P2)."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from interlock.errors import BadArgument, Empty, Full, LeaseLost, MessageTooLarge, ShutDown
from interlock.managers.named import Connection
from interlock.managers.named.queue import QueueCounts, _given_back
from tests.managers.named.hosted import BOUND_S, Hosted
from tests.managers.waiting import until


def test_messages_come_in_order_and_once(connection: Connection) -> None:
    """One by one, and many at once."""
    queue = connection.queue("q")
    queue.put({"n": 0})
    queue.put_many(range(1, 6))
    assert queue.qsize() == 6 and not queue.empty()
    assert queue.get() == {"n": 0}
    assert queue.get_many(3) == [1, 2, 3] and queue.get_many(9) == [4, 5]
    with pytest.raises(Empty):
        queue.get_nowait()
    with pytest.raises(Empty):
        queue.get(timeout=0.01)
    until(lambda: queue.counts() == QueueCounts(0, 0, 0))


def test_what_is_too_much_for_one_answer_comes_in_several(connection: Connection) -> None:
    """Nothing is leased that does not arrive."""
    queue = connection.queue("q")
    for _ in range(5):
        queue.put(bytes(30 << 20))
    assert [len(queue.get_many(9)) for _ in range(3)] == [2, 2, 1]
    until(lambda: queue.counts() == QueueCounts(0, 0, 0))


def test_a_ticket_beyond_what_a_journal_has_is_refused(connection: Connection) -> None:
    """By an error to who sends it; the server goes on."""
    queue, lock = connection.queue("q"), connection.lock("x")
    queue.put(1)
    for reference, method, args in (
        (queue._reference, "take", (1 << 70, 1, 0.0)),
        (lock._reference, "acquire", (-1, 0.0)),
    ):
        with pytest.raises(BadArgument, match="ticket"):
            connection.client.call(reference, method, *args)
    assert queue.get() == 1 and lock.acquire(block=False)


def test_a_get_waits_for_a_message(hosted: Hosted, connection: Connection) -> None:
    """Of another client; first come, first served, and no thread of the server waits."""
    got: list[int] = []
    queue = connection.queue("q")
    waiting = [threading.Thread(target=lambda: got.append(queue.get())) for _ in range(50)]
    for thread in waiting:
        thread.start()
    assert hosted.service is not None
    until(lambda: hosted.service is not None and hosted.service.store.waiting() == 50)
    with hosted.connect() as other:
        other.queue("q").put_many(range(50))
    for thread in waiting:
        thread.join(BOUND_S)
    assert sorted(got) == list(range(50))


def test_a_full_queue_makes_who_puts_wait(connection: Connection) -> None:
    """Until there is room: what is leased takes room, too."""
    queue = connection.queue("q", maxsize=2)
    queue.put_many([1, 2])
    with pytest.raises(Full):
        queue.put_nowait(3)
    with pytest.raises(MessageTooLarge):
        queue.put_many([1, 2, 3])
    thread = threading.Thread(target=queue.put, args=(3,))
    thread.start()
    with queue.lease() as delivery:
        assert delivery.message == 1
        with pytest.raises(Full):
            queue.put(9, timeout=0.05)
    thread.join(BOUND_S)
    assert queue.get_many(5) == [2, 3]


def test_a_lease_that_fails_is_delivered_again(connection: Connection) -> None:
    """At its place; after so many times it is a dead letter."""
    queue = connection.queue("q", max_deliveries=2)
    queue.put_many(["a", "b"])
    for attempt in (1, 2):
        with pytest.raises(RuntimeError):
            with queue.lease() as delivery:
                assert (delivery.message, delivery.attempt) == ("a", attempt)
                raise RuntimeError
    assert queue.counts() == QueueCounts(ready=1, leased=0, dead=1)
    assert queue.dead_letter() == "a" and queue.get() == "b"
    with pytest.raises(Empty):
        queue.dead_letter()


def test_what_a_client_leased_comes_back_when_it_is_gone(hosted: Hosted) -> None:
    """At once if it said goodbye; its own lease is lost then."""
    with hosted.connect() as other:
        mine = other.queue("q")
        with hosted.connect() as gone:
            mine.put("x")
            delivery = gone.queue("q").lease().__enter__()
            assert delivery.message == "x"
            assert mine.counts() == QueueCounts(0, 1, 0)
        with mine.lease(timeout=BOUND_S) as again:
            assert (again.message, again.attempt) == ("x", 2)


def test_a_lease_that_was_lost_cannot_be_acknowledged(connection: Connection) -> None:
    """It says so, and the message stays with whom has it."""
    queue = connection.queue("q")
    queue.put("x")
    delivery = queue.lease().__enter__()
    queue._run(_given_back(delivery._ticket))  # as when the grace has ended
    with pytest.raises(LeaseLost):
        delivery.acknowledge()
    assert queue.qsize() == 1


def test_shutdown_ends_it_for_all(connection: Connection) -> None:
    """What is left is got; who waits is told."""
    queue = connection.queue("q")
    queue.put_many([1, 2])
    told: list[type[Exception]] = []

    def drain() -> None:
        told.extend([type(message) for message in queue])
        told.append(ShutDown)

    thread = threading.Thread(target=drain)
    thread.start()
    until(lambda: queue.qsize() == 0)
    queue.shutdown()
    thread.join(BOUND_S)
    assert not thread.is_alive() and told[-1] is ShutDown
    with pytest.raises(ShutDown):
        queue.put(1)
    with pytest.raises(ShutDown):
        queue.get()


def test_a_shutdown_is_told_to_who_waits_to_put(hosted: Hosted, connection: Connection) -> None:
    """It would wait for ever, if nobody takes."""
    queue, told = connection.queue("q", maxsize=1), []

    def wait() -> None:
        with pytest.raises(ShutDown) as caught:
            queue.put(2)
        told.append(caught.value)

    queue.put(1)
    thread = threading.Thread(target=wait)
    thread.start()
    until(lambda: hosted.service and hosted.service.store.waiting() == 1)
    queue.shutdown()
    thread.join(BOUND_S)
    assert len(told) == 1 and queue.get() == 1


def test_what_is_leased_at_a_shutdown_may_come_back(hosted: Hosted, connection: Connection) -> None:
    """So who waits for a message waits on, until the last one is done."""
    queue = connection.queue("q")
    got: list[object] = []
    queue.put("x")
    delivery = queue.lease().__enter__()
    queue.shutdown()
    threads = [threading.Thread(target=lambda: got.extend(queue)) for _ in range(2)]
    for thread in threads:
        thread.start()
    until(lambda: hosted.service and hosted.service.store.waiting() == 2)
    delivery.give_back()
    for thread in threads:
        thread.join(BOUND_S)
    assert got == ["x"] and not any(thread.is_alive() for thread in threads)


def test_a_time_that_is_no_number_is_over(connection: Connection) -> None:
    """It would make the server's clock ring for ever."""
    queue, lock = connection.queue("q"), connection.lock("x")
    call, nan = connection.client.call, float("nan")
    assert call(queue._reference, "take", 101, 1, nan) == []
    assert lock.acquire() and call(lock._reference, "acquire", 102, nan) == 0


def test_an_immediate_shutdown_drops_what_is_there(connection: Connection) -> None:
    """And nothing can be got."""
    queue = connection.queue("q")
    queue.put_many([1, 2])
    queue.shutdown(immediate=True)
    with pytest.raises(ShutDown):
        queue.get()


def test_a_cancelled_get_has_taken_nothing(connection: Connection) -> None:
    """Whether it still waits, or its message is on the way (P2)."""

    async def work() -> None:
        async with asyncio.timeout(BOUND_S), connection.aio as there:
            queue = there.queue("q")
            await queue.qsize()
            for number in range(100):
                await queue.put(number)
                getting = asyncio.create_task(queue.get())
                for _ in range(number % 7):
                    await asyncio.sleep(0)
                getting.cancel()
                try:
                    got = await getting
                except asyncio.CancelledError:
                    got = await queue.get()
                assert got == number
            waiting = asyncio.create_task(queue.get())
            await queue.qsize()
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
            await queue.put("last")
            async with queue.lease() as delivery:
                assert delivery.message == "last"

    asyncio.run(work())
    until(lambda: connection.queue("q").counts() == QueueCounts(0, 0, 0))


def test_consumers_on_many_connections_share_the_work(hosted: Hosted) -> None:
    """Each message goes to one of them (P2)."""
    got: list[int] = []

    def consume() -> None:
        with hosted.connect() as connection:
            got.extend(connection.queue("q"))

    threads = [threading.Thread(target=consume) for _ in range(4)]
    for thread in threads:
        thread.start()
    with hosted.connect() as connection:
        queue = connection.queue("q")
        for number in range(200):
            queue.put(number)
        queue.shutdown()
        began_s = time.monotonic()
        for thread in threads:
            thread.join(BOUND_S)
        assert time.monotonic() - began_s < BOUND_S
    assert sorted(got) == list(range(200))
