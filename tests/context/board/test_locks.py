"""Locks, semaphores and cells of a board: what a death leaves of who has them or waits."""

from __future__ import annotations

from interlock.context.board.answers import LATE, NO_SEAT, RAISED, VALUE
from interlock.context.board.seats import Left
from interlock.errors import LockNotHeld, LockNotOwned
from tests.context.board.trial import ANN, BOB, CAT, Trial, settled, test


@test
async def test_a_lock_goes_to_who_waits_when_its_owner_is_gone(trial: Trial) -> None:
    """P3: the next one has it, and is told who died with it."""
    trial.make("lock", "lock", False, False)
    assert await trial.ask(ANN, "lock", "acquire") == (VALUE, (True, None))
    assert (await trial.ask(BOB, "lock", "acquire"))[0] == LATE
    waiting = trial.begin(BOB, "lock", "acquire")
    await settled()
    trial.board.gone("ann", False)
    kind, (has_it, left) = await waiting
    assert (kind, has_it) == (VALUE, True)
    assert isinstance(left, Left) and (left.pid, left.process, left.host) == (100, "ann", "here")
    assert (await trial.ask(ANN, "lock", "release"))[0] == NO_SEAT


@test
async def test_a_lock_that_raises_is_not_given_to_who_is_told(trial: Trial) -> None:
    """P3: on_abandon="raise": the error first, the lock with the next acquire()."""
    trial.make("lock", "lock", False, True)
    await trial.ask(ANN, "lock", "acquire")
    trial.board.gone("ann", False)
    _, (has_it, left) = await trial.ask(BOB, "lock", "acquire")
    assert not has_it and left.process == "ann"
    assert await trial.ask(BOB, "lock", "acquire") == (VALUE, (True, None))


@test
async def test_only_its_owner_releases_a_recursive_lock(trial: Trial) -> None:
    """P1: and a plain one anybody, if somebody has it."""
    trial.make("rlock", "lock", True, False)
    trial.make("lock", "lock", False, False)
    for _ in range(2):
        await trial.ask(ANN, "rlock", "acquire")
    kind, error = await trial.ask(BOB, "rlock", "release")
    assert kind == RAISED and isinstance(error, LockNotOwned)
    await trial.ask(ANN, "rlock", "release")
    assert (await trial.ask(BOB, "rlock", "acquire"))[0] == LATE
    await trial.ask(ANN, "rlock", "release")
    assert (await trial.ask(BOB, "rlock", "acquire"))[0] == VALUE
    await trial.ask(ANN, "lock", "acquire")
    assert (await trial.ask(BOB, "lock", "release"))[0] == VALUE
    kind, error = await trial.ask(BOB, "lock", "release")
    assert kind == RAISED and isinstance(error, LockNotHeld)


@test
async def test_who_is_gone_waits_for_nothing(trial: Trial) -> None:
    """P3: a lock is not given to one that died while it waited."""
    trial.make("lock", "lock", False, False)
    await trial.ask(ANN, "lock", "acquire")
    first, second = trial.begin(BOB, "lock", "acquire"), trial.begin(CAT, "lock", "acquire")
    await settled()
    trial.board.gone("bob", False)
    await trial.ask(ANN, "lock", "release")
    assert await second == (VALUE, (True, None))
    assert (await first)[0] == NO_SEAT


@test
async def test_places_of_a_semaphore_come_back(trial: Trial) -> None:
    """P3: as many as are missing, and no more."""
    trial.make("places", "semaphore", 2, True)
    for _ in range(2):
        await trial.ask(ANN, "places", "acquire")
    await trial.ask(BOB, "places", "release")  # of ANN's: anybody may
    trial.board.gone("ann", False)
    assert await trial.ask(BOB, "places", "get_value") == (VALUE, 2)
    assert (await trial.ask(BOB, "places", "release"))[0] == RAISED


@test
async def test_a_cell_waits_for_the_owner_of_its_lock(trial: Trial) -> None:
    """P1: as a Value's accesses go by its lock, which its owner has already."""
    trial.make("lock", "lock", True, False)
    trial.make("cell", "cell", b"abcd", "lock")
    await trial.ask(ANN, "lock", "acquire")
    reading = trial.begin(BOB, "cell", "read", 0, 4)
    await settled()
    parts = [(0, b"x"), (2, b"yz")]
    assert await trial.ask(ANN, "cell", "write", parts) == (VALUE, True)
    assert not reading.done()
    await trial.ask(ANN, "lock", "release")
    assert await reading == (VALUE, b"xbyz")
