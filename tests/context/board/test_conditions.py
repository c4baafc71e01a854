"""Conditions of a board: a notification is lost with nobody."""

from __future__ import annotations

import asyncio

import pytest

from interlock.context.board.answers import LATE, NO_SEAT, RAISED, VALUE
from interlock.errors import LockNotOwned
from tests.context.board.trial import ANN, BOB, CAT, Trial, settled, test


@test
async def test_a_condition_wakes_all_when_its_owner_dies(trial: Trial) -> None:
    """P3: it may have been about to notify; who waits has the lock again, and is told."""
    trial.make("lock", "lock", True, False)
    trial.make("condition", "condition", "lock")
    await trial.ask(BOB, "lock", "acquire")
    waiting = trial.begin(BOB, "condition", "wait")
    await settled()
    assert (await trial.ask(ANN, "lock", "acquire"))[0] == VALUE
    trial.board.gone("ann", False)
    kind, (told, left) = await waiting
    assert (kind, told, left.process) == (VALUE, True, "ann")
    assert (await trial.ask(BOB, "lock", "release"))[0] == VALUE


@test
async def test_a_notification_is_not_lost_with_who_waited_first(trial: Trial) -> None:
    """P3: the one behind it gets it."""
    trial.make("lock", "lock", True, False)
    trial.make("condition", "condition", "lock")
    waits = []
    for who in (ANN, BOB):
        await trial.ask(who, "lock", "acquire")
        waits.append(trial.begin(who, "condition", "wait"))
        await settled()
    trial.board.gone("ann", False)
    await trial.ask(CAT, "lock", "acquire")
    await trial.ask(CAT, "condition", "notify", 1)
    await trial.ask(CAT, "lock", "release")
    assert await waits[1] == (VALUE, (True, None))


@test
async def test_a_notification_of_who_dies_before_he_has_the_lock_is_the_next_ones(
    trial: Trial,
) -> None:
    """P3: it is used up when he has the lock again, and not before."""
    trial.make("lock", "lock", True, False)
    trial.make("condition", "condition", "lock")
    waits = []
    for who in (ANN, BOB):
        await trial.ask(who, "lock", "acquire")
        waits.append(trial.begin(who, "condition", "wait"))
        await settled()
    await trial.ask(CAT, "lock", "acquire")
    await trial.ask(CAT, "condition", "notify", 1)
    await settled()
    trial.board.gone("ann", False)
    await settled()
    await trial.ask(CAT, "lock", "release")
    assert await waits[1] == (VALUE, (True, None))


@pytest.mark.parametrize("how", ["notified", "withdrawn"])
def test_who_dies_as_his_wait_ends_does_not_get_the_lock(how: str) -> None:
    """P3: between the end of his wait and the next step; the notification is the next one's."""

    @test
    async def body(trial: Trial) -> None:
        trial.make("lock", "lock", True, False)
        trial.make("condition", "condition", "lock")
        await trial.ask(ANN, "lock", "acquire")
        dying = asyncio.create_task(trial.board.call(ANN, 7000, "condition", "wait", (), None))
        await settled()
        await trial.ask(BOB, "lock", "acquire")
        waiting = trial.begin(BOB, "condition", "wait")
        await settled()
        if how == "notified":
            await trial.ask(CAT, "lock", "acquire")
            await trial.ask(CAT, "condition", "notify", 1)
            await trial.ask(CAT, "lock", "release")
        else:
            trial.board.withdraw(ANN, 7000)
        trial.board.gone("ann", False)
        assert (await dying)[0] == NO_SEAT
        await settled()
        assert waiting.done() == (how == "notified")
        assert (await trial.ask(BOB, "lock", "release"))[0] == (
            VALUE if how == "notified" else RAISED
        )
        assert await trial.ask(CAT, "lock", "acquire") == (VALUE, (True, None))

    body()


@test
async def test_a_notification_is_not_for_who_was_interrupted(trial: Trial) -> None:
    """P3: he waits no more, although he is not told yet."""
    trial.make("lock", "lock", True, False)
    trial.make("condition", "condition", "lock")
    await trial.ask(ANN, "lock", "acquire")
    first = asyncio.create_task(trial.board.call(ANN, 7000, "condition", "wait", (), None))
    await settled()
    await trial.ask(BOB, "lock", "acquire")
    second = trial.begin(BOB, "condition", "wait")
    await settled()
    await trial.ask(CAT, "lock", "acquire")
    trial.board.withdraw(ANN, 7000)
    await trial.ask(CAT, "condition", "notify", 1)
    await trial.ask(CAT, "lock", "release")
    assert (await first)[0] == LATE
    await trial.ask(ANN, "lock", "release")
    assert await second == (VALUE, (True, None))


@test
async def test_a_notification_of_who_is_interrupted_is_the_next_ones(trial: Trial) -> None:
    """P3: he has the lock again, and nobody waits for a change that has come."""
    trial.make("lock", "lock", True, False)
    trial.make("condition", "condition", "lock")
    await trial.ask(ANN, "lock", "acquire")
    first = asyncio.create_task(trial.board.call(ANN, 7000, "condition", "wait", (), None))
    await settled()
    await trial.ask(BOB, "lock", "acquire")
    second = trial.begin(BOB, "condition", "wait")
    await settled()
    await trial.ask(CAT, "lock", "acquire")
    await trial.ask(CAT, "condition", "notify", 1)
    await trial.ask(CAT, "lock", "release")
    assert (await first)[1] == (True, None)
    trial.board.withdraw(ANN, 7000)
    assert (await trial.ask(ANN, "lock", "release"))[0] == VALUE
    assert await second == (VALUE, (True, None))


@test
async def test_a_condition_gives_up_in_time_with_the_lock(trial: Trial) -> None:
    """P1: and one without the lock may not wait."""
    trial.make("lock", "lock", True, False)
    trial.make("condition", "condition", "lock")
    assert isinstance((await trial.ask(ANN, "condition", "wait"))[1], LockNotOwned)
    await trial.ask(ANN, "lock", "acquire")
    assert await trial.ask(ANN, "condition", "wait", timeout_s=0.01) == (VALUE, (False, None))
    assert (await trial.ask(BOB, "lock", "acquire"))[0] == LATE
