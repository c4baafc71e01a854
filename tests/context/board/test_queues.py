"""Queues of a board: messages, leases and room, whoever dies with them."""

from __future__ import annotations

from interlock.context.board.answers import LATE, RAISED, VALUE
from interlock.errors import MessageTooLarge, ShutDown
from tests.context.board.trial import ANN, BOB, CAT, Trial, settled, test


@test
async def test_a_message_under_way_to_the_dead_comes_again_in_its_place(trial: Trial) -> None:
    """P2: a get() that had not returned has taken nothing, and was no attempt."""
    trial.make("queue", "queue", 0, 1000, 0)
    for message in ("first", "second"):
        await trial.ask(ANN, "queue", "put", message, 1)
    _, [(ticket, payload, attempt)] = await trial.ask(BOB, "queue", "take", 1, False)
    assert (payload, attempt) == ("first", 1)
    trial.board.gone("bob", False)
    _, taken = await trial.ask(ANN, "queue", "take", 2, False)
    assert [(payload, attempt) for _, payload, attempt in taken] == [("first", 1), ("second", 1)]
    assert await trial.ask(CAT, "queue", "done", [ticket]) == (VALUE, False)
    assert await trial.ask(ANN, "queue", "done", [each[0] for each in taken]) == (VALUE, True)


@test
async def test_a_lease_of_the_dead_is_the_next_attempt_and_then_a_dead_letter(trial: Trial) -> None:
    """P2: after max_deliveries nobody gets it any more but by dead_letters."""
    trial.make("queue", "queue", 0, 1000, 2)
    await trial.ask(ANN, "queue", "put", "cursed", 1)
    for who, expected in ((BOB, 1), (CAT, 2)):
        _, [(_, _, attempt)] = await trial.ask(who, "queue", "take", 1, True)
        assert attempt == expected
        trial.board.gone(who.seat, False)
    assert (await trial.ask(ANN, "queue", "take", 1, True))[0] == LATE
    assert await trial.ask(ANN, "queue", "take_dead") == (VALUE, ("cursed",))
    assert await trial.ask(ANN, "queue", "join") == (VALUE, True)


@test
async def test_one_put_is_one_message_whoever_waits(trial: Trial) -> None:
    """P2: a producer that waits for room puts once, though its put lets consumers go on."""
    trial.make("queue", "queue", 1, 1000, 0)
    await trial.ask(ANN, "queue", "put", 1, 1)
    putting = [trial.begin(ANN, "queue", "put", number, 1) for number in (2, 3)]
    taken = []
    for _ in range(3):
        _, [(ticket, payload, _)] = await trial.begin(BOB, "queue", "take", 1, False)
        taken.append(payload)
        await trial.ask(BOB, "queue", "done", [ticket])
    assert taken == [1, 2, 3]
    assert [await each for each in putting] == [(VALUE, True)] * 2
    assert (await trial.ask(BOB, "queue", "counts"))[1][0] == 0


@test
async def test_a_leased_message_takes_room(trial: Trial) -> None:
    """P2: maxsize bounds what is not done, so that what comes back has its room."""
    trial.make("queue", "queue", 1, 1000, 0)
    await trial.ask(ANN, "queue", "put", "first", 1)
    _, [(ticket, *_)] = await trial.ask(BOB, "queue", "take", 1, True)
    assert (await trial.ask(ANN, "queue", "put", "second", 1))[0] == LATE
    putting = trial.begin(ANN, "queue", "put", "second", 1)
    await settled()
    await trial.ask(BOB, "queue", "done", [ticket])
    assert await putting == (VALUE, True)


@test
async def test_shutdown_ends_those_that_wait_when_nothing_is_left(trial: Trial) -> None:
    """P1: as queue.Queue.shutdown; what is under way may come back until it has arrived."""
    trial.make("queue", "queue", 0, 1000, 0)
    await trial.ask(ANN, "queue", "put", "last", 1)
    _, [(ticket, *_)] = await trial.ask(BOB, "queue", "take", 1, False)
    await trial.ask(ANN, "queue", "shutdown", False)
    waiting = trial.begin(CAT, "queue", "take", 1, False)
    await settled()
    assert not waiting.done()
    await trial.ask(BOB, "queue", "done", [ticket])
    kind, error = await waiting
    assert kind == RAISED and isinstance(error, ShutDown)
    assert isinstance((await trial.ask(ANN, "queue", "put", "more", 1))[1], ShutDown)


@test
async def test_room_goes_to_who_waited_longest(trial: Trial) -> None:
    """Q4, P3: a small message does not pass a large one that waits, and one is gone for ever."""
    trial.make("queue", "queue", 0, 10, 0)
    kind, error = await trial.ask(ANN, "queue", "put", "vast", 11)
    assert kind == RAISED and isinstance(error, MessageTooLarge)
    await trial.ask(ANN, "queue", "put", "first", 6)
    large, small = (trial.begin(BOB, "queue", "put", name, size) for name, size in SIZES)
    await settled()
    assert (await trial.ask(CAT, "queue", "put_many", [("late", 1)])) == (VALUE, 0)
    _, [(ticket, *_)] = await trial.ask(ANN, "queue", "take", 1, False)
    await trial.ask(ANN, "queue", "done", [ticket])
    assert [(await large)[0], (await small)[0]] == [VALUE, VALUE]
    _, taken = await trial.ask(ANN, "queue", "take", 9, False)
    assert [payload for _, payload, _ in taken] == ["large", "small"]
    assert await trial.ask(CAT, "queue", "put_many", [("a", 1), ("b", 1)]) == (VALUE, 1)


SIZES = [("large", 7), ("small", 2)]
