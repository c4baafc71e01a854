"""What a call leaves that is withdrawn, undone, sent again, or of a thing that is none."""

from __future__ import annotations

import asyncio
from typing import Any
from unittest import mock

import pytest

from interlock.context.board.answers import LATE, NO_THING, RAISED, VALUE
from interlock.errors import NoSuchObject
from tests.context.board.trial import ANN, BOB, CAT, Trial, settled, test


@test
async def test_a_withdrawn_call_has_done_nothing(trial: Trial) -> None:
    """P2, B1, B2: while it waits, in the step in which it is served, answered, or not come yet."""
    trial.make("lock", "lock", False, False)
    await trial.ask(ANN, "lock", "acquire")
    waiting = asyncio.create_task(trial.board.call(BOB, 7001, "lock", "acquire", (), None))
    await settled()
    trial.board.withdraw(BOB, 7001)
    assert (await waiting)[0] == LATE
    served = asyncio.create_task(trial.board.call(BOB, 7002, "lock", "acquire", (), None))
    await settled()
    await trial.ask(ANN, "lock", "release")
    trial.board.withdraw(BOB, 7002)
    assert (await served)[0] == LATE
    assert (await trial.board.call(BOB, 7003, "lock", "acquire", (), None))[0] == VALUE
    trial.board.withdraw(BOB, 7003)
    trial.board.withdraw(BOB, 7004)
    assert (await trial.board.call(BOB, 7004, "lock", "acquire", (), None))[0] == LATE
    assert await trial.ask(CAT, "lock", "acquire") == (VALUE, (True, None))
    trial.board.gone("cat", False)
    assert not any(who.seat == "cat" for who in trial.board._last)


@test
async def test_who_has_asked_for_the_next_has_had_the_last(trial: Trial) -> None:
    """B2: a withdrawal that comes after that undoes nothing."""
    trial.make("lock", "lock", False, False)
    assert (await trial.board.call(BOB, 7001, "lock", "acquire", (), None))[0] == VALUE
    await trial.ask(BOB, "lock", "state")
    trial.board.withdraw(BOB, 7001)
    assert (await trial.ask(CAT, "lock", "acquire"))[0] == LATE


@test
async def test_what_is_undone_is_as_before(trial: Trial) -> None:
    """B2: one acquire of two, a place, a message in its place, a put, a dead letter."""
    numbers = iter(range(8001, 8100))

    async def undone(name: str, method: str, *args: Any) -> Any:
        number = next(numbers)
        kind, value = await trial.board.call(BOB, number, name, method, args, None)
        assert kind == VALUE
        trial.board.withdraw(BOB, number)
        return value

    trial.make("rlock", "lock", True, False)
    await trial.ask(BOB, "rlock", "acquire")
    await undone("rlock", "acquire")
    assert trial.board._things["rlock"].count_of(BOB) == 1  # type: ignore[attr-defined]
    trial.make("places", "semaphore", 1, True)
    await undone("places", "acquire")
    assert await trial.ask(ANN, "places", "get_value") == (VALUE, 1)
    trial.make("queue", "queue", 0, 100, 1)
    for message in ("first", "second"):
        await trial.ask(ANN, "queue", "put", message, 1)
    await undone("queue", "put", "third", 1)
    await undone("queue", "take", 1, True)
    _, [(ticket, *taken)] = await trial.ask(BOB, "queue", "take", 1, False)
    assert taken == ["first", 1]
    await undone("queue", "done", [ticket])
    assert (await trial.ask(ANN, "queue", "counts"))[1][:4] == (2, 0, 0, 3)
    _, [(ticket, *_)] = await trial.ask(BOB, "queue", "take", 1, True)
    await trial.ask(BOB, "queue", "give_back", [ticket])
    assert await undone("queue", "take_dead") == ("first",)
    assert await trial.ask(ANN, "queue", "take_dead") == (VALUE, ("first",))
    trial.make("barrier", "barrier", 1)
    await undone("barrier", "wait")
    assert (await trial.ask(ANN, "barrier", "state"))[1] == (0, True)


@test
async def test_who_is_told_of_the_dead_and_interrupted_leaves_it_to_the_next(trial: Trial) -> None:
    """B2, P3: the word of a death is not lost with who had it first."""
    trial.make("lock", "lock", False, True)
    await trial.ask(ANN, "lock", "acquire")
    trial.board.gone("ann", False)
    await trial.board.call(BOB, 7001, "lock", "acquire", (), None)
    trial.board.withdraw(BOB, 7001)
    _, (has_it, left) = await trial.ask(CAT, "lock", "acquire")
    assert not has_it and left.process == "ann"


@test
async def test_what_is_sent_again_is_run_once(trial: Trial) -> None:
    """B3: a release of who was interrupted and does not know whether it has come."""
    trial.make("lock", "lock", True, False)
    for _ in range(2):
        await trial.ask(ANN, "lock", "acquire")
    for _ in range(2):
        answer = await trial.board.call(ANN, 7001, "lock", "release", (), 0.0)
        assert answer == (VALUE, None)
    assert trial.board._things["lock"].count_of(ANN) == 1  # type: ignore[attr-defined]


@test
async def test_the_last_calls_are_forgotten_in_time(trial: Trial) -> None:
    """P3: what a message held does not stay for who never asks for anything again."""
    trial.make("lock", "lock", False, False)
    with mock.patch("interlock.context.board.board.LAST_S", 0.01):
        assert (await trial.board.call(ANN, 7001, "lock", "acquire", (), 0.0))[0] == VALUE
        while trial.board._last:
            await asyncio.sleep(0.001)
        trial.board.withdraw(ANN, 7001)  # it comes too late to undo anything
        assert (await trial.ask(BOB, "lock", "acquire"))[0] == LATE
        assert (await trial.board.call(BOB, 7002, "lock", "state", (), 0.0))[0] == VALUE
        while trial.board._last:
            await asyncio.sleep(0.001)


@test
async def test_what_cannot_be_made_is_told(trial: Trial) -> None:
    """P6: and is no thing; a lock of another board is none here."""
    assert trial.board.make("none", "kept", ((int, "x"),))[0] == RAISED
    for kind, args in (("condition", ("elsewhere",)), ("cell", (b"", "elsewhere"))):
        answer, error = trial.board.make("none", kind, args)
        assert answer == RAISED and isinstance(error, NoSuchObject)
    assert (await trial.ask(ANN, "none", "wait"))[0] == NO_THING


@test
async def test_an_object_s_methods_are_called(trial: Trial) -> None:
    """P1: each in one step; what it raises is raised where it was called."""
    trial.make("kept", "kept", (dict, {"a": 1}))
    assert await trial.ask(ANN, "kept", "call", "update", ((), {"b": 2})) == (VALUE, None)
    assert await trial.ask(BOB, "kept", "call", "copy", ((), {})) == (VALUE, {"a": 1, "b": 2})
    kind, error = await trial.ask(BOB, "kept", "call", "pop", (("none",), {}))
    assert kind == RAISED and isinstance(error, KeyError)


@test
async def test_what_was_dropped_is_told(trial: Trial) -> None:
    """P6: a name that nobody keeps is no thing, and who waits there is told."""
    trial.make("event", "event")
    waiting = trial.begin(BOB, "event", "wait")
    await settled()
    trial.board.drop(["event"])
    assert (await waiting)[0] == NO_THING
    assert (await trial.ask(ANN, "event", "set"))[0] == NO_THING


@pytest.mark.parametrize("kind", ["event", "lock"])
def test_a_thing_is_made_in_the_loop_alone(kind: str) -> None:
    """A board can be made before its loop runs: it needs none until something waits."""
    trial = Trial()
    trial.make("thing", kind, *((False, False) if kind == "lock" else ()))
    method = "is_set" if kind == "event" else "state"
    assert asyncio.run(trial.ask(ANN, "thing", method))[0] == VALUE
