"""The models in models/: they hold, and each of what they rest on is needed.

`make models` explores all of them; here are those that take seconds. A model that held whatever
is taken out of it would prove nothing, so each departure below must be found.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from models.check import LARGE, MODELS, RUNS, Explored, Run, explore, read

pytestmark = [
    pytest.mark.skipif(shutil.which("spin") is None, reason="spin is not installed"),
    pytest.mark.timeout(300),
]


CORE = Path(__file__).resolve().parents[2] / "native" / "core"
NOBODY_DIES = {"DEATHS": 0}
NOBODY_DIES_ALL_LOOK = {"DEATHS": 0, "LOOKS": 1}
ONE_DIES = {"DEATHS": 1}
ONE_OF_TWO_DIES = {"DEATHS": 1, "N": 2}


def named(run: Run) -> str:
    """What pytest calls a run."""
    return " ".join([run[0], *(f"{name}={value}" for name, value in run[1].items())])


@pytest.fixture(scope="module")
def outcome(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Explored]]:
    """What is found for a test's id. All that were chosen are explored, one for each core."""
    wanted = [item for item in request.session.items if isinstance(item, pytest.Function)]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        under_way: dict[str, Future[Explored]] = {}
        for item in (each for each in wanted if each.path == request.path):
            work: dict[str, Any] = item.callspec.params if hasattr(item, "callspec") else {}
            if "run" in work:
                name, defines = work["run"]
                under_way[item.nodeid] = threads.submit(explore, read(name), defines)
            elif "departure" in work:
                departure = work["departure"]
                under_way[item.nodeid] = threads.submit(
                    explore, departure.model_changed(), departure.defines
                )
        yield lambda nodeid: under_way[nodeid].result()
        threads.shutdown(cancel_futures=True)


@pytest.mark.parametrize("run", [run for run in RUNS if run not in LARGE], ids=named)
def test_model_holds(
    run: Run, outcome: Callable[[str], Explored], request: pytest.FixtureRequest
) -> None:
    """P3: mutual exclusion, no lost wake-up, progress whoever dies at which step."""
    explored = outcome(request.node.nodeid)
    assert explored.holds, explored.trail
    assert explored.states > 1_000, "so few states are not all interleavings"


@pytest.mark.parametrize("name", MODELS)
def test_probes_of_model_are_in_the_code(name: str) -> None:
    """A step that a model calls by a probe's name is there in the core, by the same name."""
    code = "".join(path.read_text(encoding="utf-8") for path in CORE.glob("*.hpp"))
    named_here = re.findall(r"/\* ([a-z]+\.[a-z_]+) \*/", read(name))
    assert named_here
    assert [probe for probe in named_here if f'INTERLOCK_PROBE("{probe}")' not in code] == []


class Departure(NamedTuple):
    """Something that is left out of a model, or done in another way."""

    sentence: str
    model: str
    defines: Mapping[str, int]
    text: str
    instead: str

    def model_changed(self) -> str:
        """The model without it."""
        return read(self.model).replace(self.text, self.instead)


DEPARTURES = (
    Departure(
        "the lock is taken after a wake-up without the flag for others that sleep",
        "owned_lock",
        NOBODY_DIES,
        "NOBODY ->\n        compare_exchange(seen, STAMP(me) | FUTEX_WAITERS, taken)\n      ::",
        "NOBODY ->\n        compare_exchange(seen, STAMP(me), taken)\n      ::",
    ),
    Departure(
        "nobody is woken",
        "owned_lock",
        NOBODY_DIES,
        "(seen & FUTEX_WAITERS) != 0 -> futex_wake()",
        "(seen & FUTEX_WAITERS) != 0 -> skip",
    ),
    Departure(
        "a sleep that does not compare the word",
        "owned_lock",
        NOBODY_DIES,
        "asleep[me] = (owner == seen)",
        "asleep[me] = true",
    ),
    Departure(
        "nobody takes the lock of a dead owner",
        "owned_lock",
        ONE_DIES,
        "&& (dead[WHOSE(seen)] || gone[WHOSE(seen)]) ->",
        "&& false ->",
    ),
    Departure(
        "the lock is taken from an owner that lives",
        "owned_lock",
        NOBODY_DIES_ALL_LOOK,
        "&& (dead[WHOSE(seen)] || gone[WHOSE(seen)]) ->",
        "&& true ->",
    ),
    Departure(
        "who waits gives the lock up before he lines up",
        "condition",
        NOBODY_DIES,
        "    state[me] = waiting;                                    /* roster.lined_up */\n"
        "    release();\n",
        "    release();\n    state[me] = waiting;\n",
    ),
    Departure(
        "a notification is lost with the one that it went to",
        "condition",
        ONE_DIES,
        "        grant_next();\n        state[other] = none",
        "        state[other] = none",
    ),
    Departure(
        "nobody watches the owner of the lock",
        "condition",
        ONE_DIES,
        ":: lock_deaths != watch -> state[me] = granted\n"
        "        :: lock_deaths == watch && other != NOBODY && (dead[other] || gone[other]) ->",
        ":: false ->",
    ),
    Departure(
        "who is granted, goes on and ends is taken for dead",
        "condition",
        {**NOBODY_DIES_ALL_LOOK, "MADE": 1},
        ":: (dead[other] || gone[other]) && state[other] == granted ->",
        ":: dead[other] || gone[other] ->",
    ),
    Departure(
        "who gives up the lock and ends is taken for its dead owner",
        "condition",
        {**NOBODY_DIES_ALL_LOOK, "MADE": 1},
        ":: lock == other -> assert",
        ":: true -> assert",
    ),
    Departure(
        "a sleep that does not compare the number of wake-ups",
        "semaphore",
        NOBODY_DIES,
        "asleep[me] = (sequence == ticket)",
        "asleep[me] = true",
    ),
    Departure(
        "the flag is cleared though somebody has enrolled again",
        "semaphore",
        NOBODY_DIES,
        ":: flag && epoch == seen_epoch ->",
        ":: flag ->",
    ),
    Departure(
        "a step that a dead one had decided is not finished",
        "semaphore",
        ONE_OF_TWO_DIES,
        ":: intent != NO_INTENT -> finish()",
        ":: intent != NO_INTENT -> intent = NO_INTENT",
    ),
    Departure(
        "the places of the dead are lost",
        "semaphore",
        ONE_OF_TWO_DIES,
        ":: (dead[other] || gone[other]) && count[other] > 0 ->",
        ":: false ->",
    ),
)


@pytest.mark.parametrize("departure", DEPARTURES, ids=lambda departure: departure.sentence)
def test_departure_is_found(
    departure: Departure, outcome: Callable[[str], Explored], request: pytest.FixtureRequest
) -> None:
    """Each step of the models is there for a reason that the models know."""
    assert read(departure.model).count(departure.text) == 1, "the model no longer has the text"
    explored = outcome(request.node.nodeid)
    assert not explored.holds
    assert "model.pml" in explored.trail
