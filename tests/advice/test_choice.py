"""Which context is chosen, on made-up measurements and trials."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interlock.advice.choice import (
    NOISE_MAX,
    NOISE_MIN,
    Option,
    choose,
    doubtful,
    noise_of,
    options,
)
from interlock.advice.facts import (
    ASYNCIO,
    INTERPRETER,
    MAIN,
    PROCESSES,
    THREAD,
    Facts,
    Home,
    Travel,
    Trial,
)
from interlock.advice.model import items_of_a_minute
from tests.advice.made_up import HOMES, MB, SUB, facts, trial

LARGE = Travel(50 * MB, 10, shared_in=0, here_s=0.05, there_s=0.05)
UNSENT = Travel(refused="an input cannot be sent: $.lock")


def refused(reason: str, *names: str) -> dict[str, Home]:
    """All homes, some of which nobody can be at."""
    return HOMES | {name: Home(name, refused=reason) for name in names}


def chosen(some: Facts, *trials: Trial, items: int | None = None, most: int = 32) -> Option:
    """What is advised."""
    number = items or items_of_a_minute(some)
    return choose(some, options(some, trials, number, most))[0]


@pytest.mark.parametrize(
    ("kind", "changed", "context"),
    [
        ("waits", {}, THREAD),
        ("waits", {"cores": 1}, THREAD),
        (
            "waits",
            {"travel": UNSENT, "homes": refused("no", *PROCESSES)},
            THREAD,
        ),
        ("python", {}, "fork"),
        ("python", {"threads": 3}, "forkserver"),
        ("python", {"threads": 3, "homes": refused("no", "forkserver")}, "spawn"),
        ("python", {"threads": 3, "homes": refused("no", "forkserver", "spawn")}, "fork"),
        ("python", {"homes": refused("no", "fork", "forkserver")}, "spawn"),
        ("python", {"homes": HOMES | {INTERPRETER: SUB}}, INTERPRETER),
        ("python", {"cores": 1}, MAIN),
        ("python", {"travel": LARGE}, MAIN),
        ("python", {"homes": refused("no", *PROCESSES)}, MAIN),
        ("releases", {}, THREAD),
        ("releases", {"travel": LARGE}, THREAD),
        ("releases", {"cores": 1}, MAIN),
        ("tiny", {}, MAIN),
        ("tiny", {"cores": 64}, MAIN),
        ("programs", {}, THREAD),
        ("programs", {"cores": 1}, MAIN),
        ("spreads", {}, MAIN),
        ("coroutine", {}, ASYNCIO),
        ("coroutine", {"cores": 1}, ASYNCIO),
    ],
)
def test_each_kind_of_function_has_its_context(
    kind: str, changed: dict[str, Any], context: str
) -> None:
    """By the model alone."""
    assert chosen(facts(kind, **changed)).context == context


@pytest.mark.parametrize(
    ("kind", "least", "most"),
    [("waits", 24, 32), ("python", 4, 4), ("releases", 4, 5), ("programs", 4, 5)],
)
def test_there_are_as_many_workers_as_have_something_to_do(
    kind: str, least: int, most: int
) -> None:
    """As many as there are CPUs, unless they wait."""
    assert least <= chosen(facts(kind)).prediction.workers <= most


def test_few_inputs_are_not_worth_a_start() -> None:
    """Though many are."""
    some = facts("python", homes=refused("no", "fork", "forkserver"))
    assert chosen(some, items=5).context == MAIN
    assert chosen(some, items=5000).context == "spawn"


def test_the_workers_are_no_more_than_allowed() -> None:
    """By the caller."""
    assert chosen(facts("waits"), most=7).prediction.workers == 7


@pytest.mark.parametrize("context", ["fork", "spawn"])
def test_a_trial_counts_for_every_way_to_start_a_process(context: str) -> None:
    """Once they run they are the same: where one was slow the others would be."""
    assert chosen(facts("python"), trial(context, 0.25)).context == MAIN


def test_a_trial_that_failed_rules_its_context_out() -> None:
    """Threads, for one: the function is not safe in them."""
    broken = trial(THREAD, 1.0, failure="RuntimeError: two at a time")
    assert chosen(facts("waits"), broken).context == "fork"


def test_threads_that_get_in_each_other_s_way_lose() -> None:
    """Though the GIL was not in their way when one was looked at."""
    assert chosen(facts("releases"), trial(THREAD, 0.3)).context == "fork"


def test_a_trial_on_a_busy_machine_counts_less() -> None:
    """Where workers had no CPU for half of the time, it says nothing."""
    assert chosen(facts("python"), trial("fork", 0.2, starved=0.05)).context == MAIN
    assert chosen(facts("python"), trial("fork", 0.2, starved=0.5)).context == "fork"
    busy = replace(facts("python"), call=replace(facts("python").call, starved=0.5))
    assert chosen(busy, trial("fork", 0.2)).context == "fork", "what is compared is as uncertain"


def test_of_two_within_the_noise_the_simpler_is_chosen() -> None:
    """And the other is told."""
    some = facts("waits")
    found = options(some, [trial(THREAD, 0.95)], items_of_a_minute(some), 32)
    assert found[0].context == "fork"
    best, near = choose(some, found)
    assert best.context == THREAD
    assert "fork" in {each.context for each in near}


def test_what_is_no_better_than_a_loop_is_not_chosen_for_being_simple() -> None:
    """Threads of Python code, though processes are far off their bound."""
    assert chosen(facts("python", cores=2), trial("fork", 0.62)).context == "fork"


def test_beyond_the_noise_the_faster_is_chosen() -> None:
    """Whatever it costs."""
    some = facts("waits")
    best, near = choose(some, options(some, [trial(THREAD, 0.7)], items_of_a_minute(some), 32))
    assert best.context == "fork"
    assert near == []


def test_the_noise_is_never_none_and_never_all() -> None:
    """Ten parts in a hundred at least, thirty at the most."""
    some = facts("python")
    best = chosen(some)
    assert noise_of(some, [best]) == NOISE_MIN
    assert noise_of(some, [replace(best, right=0.8)]) == pytest.approx(0.2)
    assert noise_of(some, [replace(best, trial=trial("fork", 1, starved=0.2))]) == 0.2
    for call in (replace(some.call, spread=3.0), replace(some.call, starved=0.9)):
        assert noise_of(replace(some, call=call), [best]) == NOISE_MAX


def test_on_a_busy_machine_two_must_differ_by_more() -> None:
    """Others had a fifth of the CPUs while the threads ran: 12 % less is no reason against them."""
    some, fork = facts("releases"), trial("fork", 1.0)
    assert chosen(some, fork, trial(THREAD, 0.85)).context == "fork"
    assert chosen(some, fork, trial(THREAD, 0.8 * 0.8, starved=0.2)).context == THREAD
    gain = facts("python", cores=2)
    assert chosen(gain, trial("fork", 0.62)).context == "fork"
    assert chosen(gain, trial("fork", 0.4 * 0.7, starved=0.3)).context == "fork"
    assert chosen(gain, trial("fork", 0.3 * 0.7, starved=0.3)).context == MAIN


def test_of_several_trials_the_quickest_counts() -> None:
    """In whatever order they were: others make a run slower, and never faster."""
    some = facts("releases")
    trials = [trial("fork", 1.0), trial(THREAD, 0.5), trial(THREAD, 0.98)]
    assert chosen(some, *trials).context == THREAD
    assert chosen(some, *reversed(trials)).context == THREAD
    assert options(some, trials, 100, 4)[-2].trial is not trials[1]


def test_a_trial_that_failed_once_counts_for_ever() -> None:
    """What is not safe in threads is not always found out."""
    some, broken = facts("waits"), trial(THREAD, 1.0, failure="RuntimeError: two at a time")
    assert chosen(some, broken, trial(THREAD, 1.0)).context == "fork"
    assert chosen(some, trial(THREAD, 1.0), broken).context == "fork"


def test_a_trial_that_others_kept_from_its_end_says_nothing() -> None:
    """It is told, and what is advised is the model's."""
    late = trial(THREAD, 0.05, starved=0.4, is_done=False)
    assert late.rate == 0
    best = chosen(facts("releases"), late, trial("fork", 1.0))
    assert (best.context, best.trial, best.right) == (THREAD, late, 1.0)


@pytest.mark.parametrize(
    ("kind", "trials", "again"),
    [
        ("releases", [], []),
        ("releases", [(THREAD, 0.98), ("fork", 1.0)], []),
        ("releases", [(THREAD, 0.8), ("fork", 1.0)], ["fork", THREAD]),
        ("releases", [(THREAD, 0.2), ("fork", 0.2)], [THREAD]),
        ("python", [("fork", 0.2)], ["fork"]),
        ("python", [("fork", 0.9)], []),
        ("python", [("spawn", 0.2)], ["fork"]),
    ],
)
def test_what_trials_decide_against_the_model_is_in_doubt(
    kind: str, trials: list[tuple[str, float]], again: list[str]
) -> None:
    """Both are run again; but a loop is not, which is known best."""
    some = facts(kind)
    found = doubtful(some, [trial(*each) for each in trials], items_of_a_minute(some), 32)
    assert [each.context for each in found] == again


def test_what_failed_is_not_in_doubt() -> None:
    """It would fail again."""
    broken = trial(THREAD, 1.0, failure="RuntimeError: two at a time")
    assert doubtful(facts("waits"), [broken, trial("fork", 0.9)], 600, 32) == []


def test_a_trial_is_no_better_than_the_bound() -> None:
    """That would be an error of the clocks; and one that failed is worth nothing."""
    assert trial("fork", 2.0).factor == 1.0
    assert trial("fork", 0.5).factor == pytest.approx(0.5)
    assert trial("fork", 0.5, starved=0.2).factor == pytest.approx(0.625)
    assert trial("fork", 0.5, failure="no").factor == 0.0
