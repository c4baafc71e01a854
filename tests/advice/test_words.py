"""The sentences, on made-up measurements."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from interlock.advice import words
from interlock.advice.choice import decide
from interlock.advice.facts import INTERPRETER, Facts, Home, Travel, Trial
from interlock.advice.model import items_of_a_minute
from tests.advice.made_up import HOMES, MB, facts, trial


def said(some: Facts, *trials: Trial, items: int | None = None) -> str:
    """All that is said."""
    number = items or items_of_a_minute(some)
    decision = decide(some, trials, number, 32)
    return "\n".join(
        [
            words.headline(decision),
            *words.reasons(decision),
            words.how(decision.chosen, "work"),
            *words.notes(decision, 12),
        ]
    )


LARGE = Travel(50 * MB, 10, here_s=0.05, there_s=0.05)


@pytest.mark.parametrize(
    ("kind", "changed", "sentences"),
    [
        (
            "waits",
            {},
            [
                "threads: about 3",
                "it waits 97 % of that for the network",
                "asyncio does as well",
                "Processes gain nothing over threads and cost 40 MB each.",
                "interlock.pool.ThreadPool(",
                "It must be safe to run in several threads at once.",
            ],
        ),
        (
            "python",
            {},
            [
                "Use 4 processes by fork: about 4.0 times as fast as a loop.",
                "holds the GIL for 100 %, so that threads take turns",
                "the GIL allows no more",
                'interlock.get_context("fork").Pool(4)',
                "A worker has 40 MB of its own, all of them 160 MB; 8.0 GB are free.",
            ],
        ),
        (
            "releases",
            {},
            [
                "Use 4 threads: about",
                "holds the GIL for 3 % only, so that threads run side by side",
                "Processes gain nothing over threads and cost 40 MB each.",
            ],
        ),
        (
            "tiny",
            {},
            [
                "Use a loop",
                "the work is 2.0 us, and to have it done there takes 7.0 us for each input",
            ],
        ),
        (
            "python",
            {"travel": LARGE},
            ["Use a loop", "an input is 50 MB", "takes 100 ms, and the work itself 10 ms"],
        ),
        (
            "releases",
            {"travel": LARGE},
            ["Use 4 threads", "an input is 50 MB", "takes 100 ms, and the work itself 10 ms"],
        ),
        (
            "python",
            {"travel": Travel(refused="an input cannot be sent: $.lock is a lock.")},
            ["Processes are out of the question: an input cannot be sent: $.lock is a lock."],
        ),
        ("spreads", {}, ["keeps 3.8 CPUs busy by threads of its own, or by programs"]),
        (
            "coroutine",
            {},
            ["Use asyncio, with 32 calls at a time", "Tasks of asyncio wait side by side"],
        ),
        ("python", {"threads": 2}, ["processes by forkserver"]),
        (
            "python",
            {"homes": HOMES | {INTERPRETER: Home(INTERPRETER, refused="this Python has none")}},
            ["Sub-interpreters: this Python has none."],
        ),
    ],
)
def test_what_is_said_has_the_reason_in_it(
    kind: str, changed: dict[str, Any], sentences: list[str]
) -> None:
    """Each figure is one that was measured."""
    some = facts(kind, **changed)
    if some.travel.refused:
        for name in ("fork", "forkserver", "spawn"):
            some.homes[name] = replace(some.homes[name], refused=some.travel.refused)
    text = said(some)
    for sentence in sentences:
        assert sentence in text, text


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"failed": 2, "failure": "ValueError: no"}, "2 inputs of the sample raised (ValueError: "),
        ({"failed": 1, "failure": "ValueError: no"}, "1 input of the sample raised (ValueError: "),
        ({"first_s": 2.0}, "The first call took 2.0 s; each worker has such a one, too."),
        ({"slowest_s": 1.0}, "Calls differ: the slowest took 1.0 s."),
        ({"memory_bytes": 80 * MB}, "A call has 80 MB while it runs, 4 at a time 320 MB; 8.0 GB"),
        ({"starved": 0.6}, "The machine was busy: up to 60 % of the time others had the CPUs."),
        ({"starved": 0.2}, "are uncertain; differences of less than 20 % mean nothing."),
    ],
)
def test_what_makes_the_figures_doubtful_is_said(changed: dict[str, Any], sentence: str) -> None:
    """And only then."""
    some = facts("python")
    assert sentence not in said(some)
    assert sentence in said(replace(some, call=replace(some.call, **changed)))


def test_what_was_run_stands_beside_what_was_predicted() -> None:
    """With what others took of the CPUs."""
    some = facts("python")
    text = said(some, trial("fork", 0.5))
    assert "Run with 4 workers, it was 0.50 times as fast as a loop; the model has 1.0." in text
    text = said(some, trial("fork", 0.5, starved=0.4))
    assert "40 % of the time a worker had no CPU, as others had it; allowing for that it is" in text
    assert "\nThe machine was busy: up to 40 % of the time others had the CPUs." in text
    text = said(some, trial("fork", 0.1, starved=0.6, is_done=False))
    assert "it was not done after 10 s, as others had the CPUs: it is a prediction." in text


def test_what_was_not_run_is_said_to_be_a_prediction() -> None:
    """A call that takes longer than there is time for."""
    assert "it is a prediction" in said(facts("python"))
    assert "it is a prediction" not in said(facts("python"), trial("fork", 1.0))


def test_for_few_inputs_it_is_said_from_how_many_on_workers_pay() -> None:
    """That depends on the job, and the job may grow."""
    homes = {name: HOMES[name] for name in ("main", "thread", "spawn")}
    text = said(facts("python", homes=homes), items=5)
    assert "for 5 inputs nothing else is worth its trouble" in text
    assert "inputs on processes are worth it, and in the end 4.0 times as fast." in text


def test_how_often_it_was_called_is_always_said() -> None:
    """It was really called, with all that it does."""
    for kind in ("waits", "python", "tiny", "coroutine"):
        assert "The function was really called for this, 12 times." in said(facts(kind))


@pytest.mark.parametrize(
    ("shown", "text"),
    [
        (words.span(1.5), "1.5 s"),
        (words.span(0.0123), "12 ms"),
        (words.span(2e-6), "2.0 us"),
        (words.span(3e-9), "3 ns"),
        (words.size(40e6), "40 MB"),
        (words.size(1), "1 byte"),
        (words.size(2500), "2.5 KB"),
        (words.size(3.2e9), "3.2 GB"),
        (words.factor(31.4), "31"),
        (words.factor(1.94), "1.9"),
        (words.factor(0.123), "0.12"),
    ],
)
def test_figures_are_as_a_person_reads_them(shown: str, text: str) -> None:
    """Two digits are enough."""
    assert shown == text
