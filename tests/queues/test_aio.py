"""Queues awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

import queue as standard
import random
import threading
from typing import Any

import anyio
import pytest

import interlock
from interlock.errors import SerializationError, ShutDown
from interlock.testing.trial import Trial

pytestmark = pytest.mark.anyio
LONG_S = 30.0


async def test_a_message_of_another_process_wakes_who_waits(trial: Trial) -> None:
    """get() sleeps until it comes; the loop goes on meanwhile."""
    questions, answers = trial.make(), trial.make()
    child = trial.child(_echo, questions, answers)
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await anyio.sleep(0.001)

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            group.start_soon(turn)
            for number in range(50):
                await questions.aio.put(number)
                assert await answers.aio.get() == number
            while turns < 3:
                await anyio.sleep(0.001)
            group.cancel_scope.cancel()
    await questions.aio.put(None)
    await anyio.to_thread.run_sync(child.result)


async def test_no_thread_helps() -> None:
    """Waiting to get, to put and to join starts none."""
    full, empty, joinable = interlock.Queue(1), interlock.Queue(), interlock.JoinableQueue()
    full.put(1)
    joinable.put("task")
    before = threading.active_count()
    async with anyio.create_task_group() as group:
        group.start_soon(full.aio.put, 2)
        group.start_soon(empty.aio.get)
        group.start_soon(joinable.aio.join)
        await anyio.sleep(0.25)
        assert threading.active_count() == before
        group.cancel_scope.cancel()


async def test_timeouts_are_kept() -> None:
    """Empty and Full, not before their time; block=False does not wait."""
    queue = interlock.Queue(1)
    began = anyio.current_time()
    with pytest.raises(standard.Empty):
        await queue.aio.get(timeout=0.05)
    with pytest.raises(standard.Empty):
        await queue.aio.get(block=False)
    await queue.aio.put("in")
    with pytest.raises(standard.Full):
        await queue.aio.put("out", timeout=0.05)
    with pytest.raises(standard.Full):
        await queue.aio.put("out", block=False)
    assert anyio.current_time() - began >= 0.1
    assert await queue.aio.get() == "in"


async def test_cancellation_loses_no_message(trial: Trial) -> None:
    """P10: getters are cancelled at every moment while messages come; each arrives once."""
    seed = 20261126
    print(f"seed {seed}")
    chance = random.Random(seed)
    queue = trial.make()
    child = trial.child(_put_slowly, queue, 2_000, seed)
    got: list[int] = []
    with anyio.fail_after(LONG_S):
        while len(got) < 2_000:
            with anyio.move_on_after(chance.random() * 0.003):
                got.append(await queue.aio.get())
    assert got == list(range(2_000))
    await anyio.to_thread.run_sync(child.result)
    assert queue.empty()


async def test_a_cancelled_put_has_put_nothing(trial: Trial) -> None:
    """While another process takes now and then, each put is whole or not at all."""
    seed = 20261127
    print(f"seed {seed}")
    chance = random.Random(seed)
    queue = trial.make(maxsize=1)
    child = trial.child(_all_of, queue)
    put: list[int] = []
    with anyio.fail_after(LONG_S):
        for number in range(1_000):
            with anyio.move_on_after(chance.random() * 0.001):
                await queue.aio.put(number)
                put.append(number)
    queue.shutdown()
    assert await anyio.to_thread.run_sync(child.result) == put


async def test_many_tasks_share_a_queue() -> None:
    """Each message goes to one of them; a task's own timeout is its own."""
    queue = interlock.Queue(2)
    got: list[int] = []

    async def consume() -> None:
        async for number in queue.aio:
            got.append(number)

    async def produce(first: int) -> None:
        for number in range(first, first + 100):
            await queue.aio.put(number)

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as consumers:
            for _ in range(3):
                consumers.start_soon(consume)
            async with anyio.create_task_group() as producers:
                for first in (0, 100, 200):
                    producers.start_soon(produce, first)
            queue.shutdown()
    assert sorted(got) == list(range(300))


async def test_iteration_ends_with_the_queue(trial: Trial) -> None:
    """`async for` takes until it is shut down and empty, also by another process."""
    queue = trial.make()
    child = trial.child(_put_and_shut_down, queue)
    with anyio.fail_after(LONG_S):
        assert [number async for number in queue.aio] == list(range(20))
        with pytest.raises(ShutDown):
            await queue.aio.get()
        with pytest.raises(ShutDown):
            await queue.aio.put(1)
    await anyio.to_thread.run_sync(child.result)


async def test_batches_and_refusals_are_those_of_the_queue() -> None:
    """put_many, get_many, put_nowait, get_nowait, with their errors."""
    queue = interlock.Queue(3)
    with pytest.raises(standard.Full) as caught:
        await queue.aio.put_many(range(5), timeout=0.01)
    assert caught.value.accepted == 3  # type: ignore[attr-defined]
    assert await queue.aio.get_many(2) == [0, 1]
    queue.aio.put_nowait("now")
    assert [queue.aio.get_nowait(), queue.aio.get_nowait()] == [2, "now"]
    with pytest.raises(standard.Empty):
        await queue.aio.get_many(2, timeout=0.01)
    with pytest.raises(ValueError, match="max_messages"):
        await queue.aio.get_many(0)
    with pytest.raises(SerializationError):
        await queue.aio.put(lambda: None)
    assert queue.empty()


async def test_a_lease_is_ended_by_its_block() -> None:
    """Well: done. By an exception or a cancellation: given back."""
    queue = interlock.Queue()
    queue.put("work")
    with pytest.raises(LookupError):
        async with queue.aio.lease() as delivery:
            assert (delivery.message, delivery.attempt) == ("work", 1)
            raise LookupError
    with anyio.move_on_after(0.02):
        async with queue.aio.lease() as delivery:
            assert delivery.attempt == 2
            await anyio.sleep(LONG_S)
    async with queue.aio.lease(timeout=1) as delivery:
        assert delivery.attempt == 3
    assert queue.empty()
    with pytest.raises(standard.Empty):
        async with queue.aio.lease(timeout=0.01):
            raise AssertionError("nothing was there")


async def test_join_returns_with_the_last_task(trial: Trial) -> None:
    """Done in another process."""
    queue = interlock.JoinableQueue()
    queue.put_many(range(5))
    child = trial.child(_work, queue, 5)
    with anyio.fail_after(LONG_S):
        await queue.aio.join()
    assert queue.empty()
    await anyio.to_thread.run_sync(child.result)


async def test_what_a_killed_consumer_had_leased_wakes_who_awaits(trial: Trial) -> None:
    """Nobody rings for a dead process: the sleeper looks by itself."""
    queue = trial.make()
    queue.put("work")
    reading, writing = trial.pipe()
    child = trial.child(_hold, queue, writing)
    writing.close()
    assert await anyio.to_thread.run_sync(reading.recv) == "work"
    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:

            async def kill_soon() -> None:
                await anyio.sleep(0.05)
                child.kill()

            group.start_soon(kill_soon)
            assert await queue.aio.get() == "work"


def _echo(questions: Any, answers: Any) -> None:
    while (question := questions.get()) is not None:
        answers.put(question)


def _put_slowly(queue: Any, count: int, seed: int) -> None:
    chance = random.Random(seed)
    waiting = threading.Event()
    for number in range(count):
        queue.put(number)
        if number % 7 == 0:
            waiting.wait(chance.random() * 0.002)


def _all_of(queue: Any) -> list[Any]:
    return list(queue)


def _put_and_shut_down(queue: Any) -> None:
    queue.put_many(range(20))
    queue.shutdown()


def _work(queue: Any, count: int) -> None:
    for _ in range(count):
        queue.get()
        queue.task_done()


def _hold(queue: Any, seen: Any) -> None:
    with queue.lease(timeout=LONG_S) as delivery:
        seen.send(delivery.message)
        threading.Event().wait()  # to be killed
