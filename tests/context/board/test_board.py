"""A board alone, in an event loop: what a death, a time or a withdrawal leaves at each moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from unittest import mock

import pytest

from interlock.context.board.answers import LATE, NO_SEAT, NO_THING, RAISED, VALUE
from interlock.context.board.board import Board
from interlock.context.board.seats import Left, Seat, Who
from interlock.errors import LockNotHeld, LockNotOwned, MessageTooLarge, NoSuchObject, ShutDown

ANN, BOB, CAT = (Who(name, "thread 1") for name in ("ann", "bob", "cat"))


class Trial:
    """A board with three processes, and calls by name."""

    def __init__(self) -> None:
        self.board = Board(lambda value: value, lambda payload: payload)
        for number, who in enumerate((ANN, BOB, CAT)):
            self.board.enter(Seat(who.seat, 100 + number, who.seat, "here"))
        self._numbers = iter(range(1, 1000))

    def make(self, name: str, kind: str, *args: Any) -> None:
        self.board.make(name, kind, args)

    async def ask(
        self, who: Who, name: str, method: str, *args: Any, timeout_s: float | None = 0.0
    ) -> tuple[str, Any]:
        number = next(self._numbers)
        return await self.board.call(who, number, name, method, args, timeout_s)

    def begin(
        self, who: Who, name: str, method: str, *args: Any, timeout_s: float | None = None
    ) -> asyncio.Task[tuple[str, Any]]:
        """A call that waits; it has begun to when this returns to the loop."""
        return asyncio.create_task(self.ask(who, name, method, *args, timeout_s=timeout_s))


def test(body: Callable[[Trial], Awaitable[None]]) -> Callable[[], None]:
    """A test in an event loop of its own."""

    def run() -> None:
        async def bounded() -> None:
            async with asyncio.timeout(10):
                await body(Trial())

        asyncio.run(bounded())

    run.__name__, run.__doc__ = body.__name__, body.__doc__
    return run


test.__test__ = False  # type: ignore[attr-defined]


async def settled() -> None:
    """Let every task of the loop go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


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


@test
async def test_a_barrier_breaks_when_a_party_dies_inside_or_between_rounds(trial: Trial) -> None:
    """P3: but not when it ends in order."""
    trial.make("barrier", "barrier", 2)
    inside = trial.begin(ANN, "barrier", "wait")
    await settled()
    trial.board.gone("ann", False)
    assert (await inside)[0] == NO_SEAT
    kind, (what, (why, missing)) = await trial.ask(BOB, "barrier", "wait")
    assert (kind, what, why, missing.process) == (VALUE, "broken", "died", "ann")
    for orderly in (True, False):
        trial.board.enter(Seat("ann", 100, "ann", "here"))
        await trial.ask(BOB, "barrier", "reset")
        first = trial.begin(ANN, "barrier", "wait")
        await settled()
        assert (await trial.ask(BOB, "barrier", "wait"))[1] == ("act", 1)
        assert (await trial.ask(BOB, "barrier", "acted", True))[1] == ("passed", 1)
        assert (await first)[1] == ("passed", 0)
        trial.board.gone("ann", orderly)
        assert (await trial.ask(BOB, "barrier", "state"))[1] == (0, not orderly)


@test
async def test_who_comes_while_a_round_passes_is_of_the_next(trial: Trial) -> None:
    """P1: of many that come then, so many pass as there are parties; one that dies breaks it."""
    trial.make("barrier", "barrier", 2)
    round_one = trial.begin(ANN, "barrier", "wait")
    await settled()
    assert (await trial.ask(BOB, "barrier", "wait"))[1] == ("act", 1)
    coming = [trial.begin(who, "barrier", "wait") for who in (CAT, BOB, CAT)]
    await settled()
    await trial.ask(BOB, "barrier", "acted", True)
    await settled()
    assert (await round_one)[1] == ("passed", 0)
    assert [each.done() for each in coming] == [False, True, False]
    assert (await coming[1])[1] == ("act", 1)
    assert (await trial.ask(BOB, "barrier", "acted", True))[1] == ("passed", 1)
    trial.board.gone("cat", False)  # just as its second thread enters
    await settled()
    assert (await coming[2])[0] == NO_SEAT
    assert (await trial.ask(ANN, "barrier", "state"))[1] == (0, True)


@test
async def test_a_late_party_breaks_the_barrier_for_all(trial: Trial) -> None:
    """P1: as threading.Barrier has it."""
    trial.make("barrier", "barrier", 3)
    inside = trial.begin(ANN, "barrier", "wait")
    await settled()
    late = await trial.ask(BOB, "barrier", "wait", timeout_s=0.01)
    assert late[1] == ("broken", ("timeout", None)) == (await inside)[1]


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
