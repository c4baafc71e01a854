"""Barriers of a board: all pass or none."""

from __future__ import annotations

from interlock.context.board.answers import NO_SEAT, VALUE
from interlock.context.board.seats import Seat
from tests.context.board.trial import ANN, BOB, CAT, Trial, settled, test


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
