"""Connections awaited, under asyncio and Trio (P10)."""

from __future__ import annotations

import random
import threading
from typing import Any

import anyio
import pytest

import interlock
from interlock.errors import SerializationError
from interlock.testing.trial import Trial

pytestmark = pytest.mark.anyio
LONG_S = 30.0
Ends = tuple[Any, Any]


async def test_a_conversation_with_a_child(trial: Trial, pipe: Ends) -> None:
    """Each word is awaited; the child's death ends it."""
    ours, theirs = pipe
    child = trial.child(_echo, theirs)
    theirs.close()
    with anyio.fail_after(LONG_S):
        for number in range(100):
            await ours.aio.send([number])
            assert await ours.aio.recv() == [number]
        await ours.aio.send(bytes(300_000))
        assert len(await ours.aio.recv()) == 300_000
        child.kill()
        with pytest.raises(EOFError):
            await ours.aio.recv()
        with pytest.raises(BrokenPipeError):
            await ours.aio.send(1)


async def test_iteration_ends_with_the_peer(trial: Trial, pipe: Ends) -> None:
    """`async for` receives until nobody is left to send."""
    ours, theirs = pipe
    child = trial.child(_count_and_end, theirs, 20)
    theirs.close()
    with anyio.fail_after(LONG_S):
        assert [number async for number in ours.aio] == list(range(20))
    await anyio.to_thread.run_sync(child.result)


async def test_cancellation_loses_no_message(trial: Trial, pipe: Ends) -> None:
    """P10: receivers are cancelled at every moment; each message is received once."""
    seed = 20261128
    print(f"seed {seed}")
    chance = random.Random(seed)
    ours, theirs = pipe
    child = trial.child(_count_slowly, theirs, 2_000, seed)
    got: list[int] = []
    with anyio.fail_after(LONG_S):
        while len(got) < 2_000:
            with anyio.move_on_after(chance.random() * 0.003):
                got.append(await ours.aio.recv())
    assert got == list(range(2_000))
    await anyio.to_thread.run_sync(child.result)


async def test_sending_waits_for_room_without_a_thread() -> None:
    """A full pipe: send() sleeps until the other side has received."""
    ours, theirs = interlock.Pipe(max_bytes=10_000)
    before = threading.active_count()
    sent = 0

    async def fill() -> None:
        nonlocal sent
        while sent < 50:
            await ours.aio.send(bytes(3_000))
            sent += 1

    with anyio.fail_after(LONG_S):
        async with anyio.create_task_group() as group:
            group.start_soon(fill)
            await anyio.sleep(0.02)
            assert 1 <= sent < 5
            assert threading.active_count() == before
            for _ in range(50):
                assert len(await theirs.aio.recv()) == 3_000
    assert sent == 50
    ours.close()
    theirs.close()


async def test_bytes_and_refusals() -> None:
    """recv_bytes(); what cannot be serialized raises before anything is sent."""
    ours, theirs = interlock.Pipe()
    ours.send_bytes(b"raw")
    assert await theirs.aio.recv_bytes() == b"raw"
    with pytest.raises(SerializationError):
        await ours.aio.send(lambda: None)
    assert not theirs.poll()
    ours.close()
    with pytest.raises(OSError, match="closed"):
        await ours.aio.recv()
    with pytest.raises(EOFError):
        await theirs.aio.recv()
    theirs.close()


def _echo(end: Any) -> None:
    while True:
        end.send(end.recv())


def _count_and_end(end: Any, count: int) -> None:
    for number in range(count):
        end.send(number)
    end.close()


def _count_slowly(end: Any, count: int, seed: int) -> None:
    chance = random.Random(seed)
    waiting = threading.Event()
    for number in range(count):
        end.send(number)
        if number % 7 == 0:
            waiting.wait(chance.random() * 0.002)
