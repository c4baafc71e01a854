"""Advice on functions of known kind: they are really run. What is checked is what and why."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import interlock
from interlock.advice import Advice, SampleFailed
from interlock.pool.limits import cpu_count
from tests.advice import kinds
from tests.advice.kernel import tells_waits

BOTH = ("thread", "fork")
BUDGET_S = 3.0
SEVERAL = cpu_count() > 1  # where there is one CPU nothing but a wait is worth a worker


@pytest.fixture
def server() -> Iterator[kinds.Server]:
    """A server that answers late."""
    found = kinds.Server()
    found.start()
    yield found
    found.close()


def advised(function: Any, sample: Any, **options: Any) -> Advice:
    """The advice, between threads and processes."""
    return interlock.advise(function, sample, budget_s=BUDGET_S, **({"contexts": BOTH} | options))


def test_what_waits_goes_to_threads() -> None:
    """Many of them; and processes gain nothing, and cost memory."""
    advice = advised(kinds.waits, range(4), workers_max=16)
    assert (advice.context, advice.workers) == ("thread", 16)
    assert advice.speedup > 8
    assert advice.facts.call.waiting_s > 0.9 * advice.facts.call.wall_s
    assert advice.facts.homes["fork"].memory_bytes > 100_000
    assert "it waits" in advice.reasons[0]


def test_what_waits_for_the_network_is_told_so(server: kinds.Server) -> None:
    """Where the kernel tells what a thread waits for."""
    advice = advised(kinds.asks, [server.port] * 4, workers_max=8, contexts=["thread"])
    assert advice.context == "thread"
    assert advice.facts.call.waits_for in ("the network", "")
    assert bool(advice.facts.call.waits_for) == tells_waits()


def test_python_code_goes_to_processes() -> None:
    """As many as there are CPUs; threads gain nothing, and the reason is the GIL."""
    advice = advised(kinds.counts, [100_000] * 4)
    assert advice.context == ("fork" if SEVERAL else "main")
    assert advice.facts.call.gil_s > 0.5 * advice.facts.call.cpu_s
    assert "holds the GIL" in advice.reasons[0]
    assert advice.curves()["thread"][-1].rate * advice.facts.call.wall_s < 1.5


def test_numpy_that_lets_go_of_the_gil_goes_to_threads() -> None:
    """Processes would be as fast, and cost memory."""
    advice = advised(kinds.draws, range(4))
    assert advice.context == ("thread" if SEVERAL else "main")
    if SEVERAL:
        assert advice.workers > 1
        assert advice.curves()["thread"][-1].rate * advice.facts.call.wall_s > 1.2


def test_a_large_input_stays_where_it_is() -> None:
    """To send it takes longer than the work."""
    advice = advised(kinds.measures, [[f"word {number}" for number in range(50_000)]])
    assert advice.context == "main"
    assert advice.facts.travel.bytes_in > 500_000
    assert any("to bring them there and back takes" in each for each in advice.reasons)


def test_a_tiny_task_stays_in_a_loop() -> None:
    """To hand it out takes longer than to do it."""
    advice = advised(kinds.adds, range(50))
    assert advice.context == "main"
    assert any("the work is" in each for each in advice.reasons)
    assert all(not each.trials for each in [advice]), "what is hopeless was tried"


def test_a_coroutine_goes_to_asyncio() -> None:
    """And processes would run a loop for each call."""
    advice = advised(kinds.waits_awaited, range(4), workers_max=16, contexts=["fork"])
    assert (advice.context, advice.workers) == ("asyncio", 16)
    assert advice.facts.call.is_async
    assert [each.context for each in advice.trials][:1] == ["asyncio"]


def test_what_cannot_be_sent_goes_to_threads() -> None:
    """With the path to the guilty part."""
    advice = advised(kinds.needs, [threading.Lock()], workers_max=4)
    assert "lock" in advice.facts.travel.refused
    assert any("Processes are out of the question: an input" in each for each in advice.reasons)
    assert {each.context for each in advice.options} == {"main", "thread"}


def test_what_cannot_run_in_threads_goes_to_processes() -> None:
    """The trial finds out, and the advice says why."""
    advice = advised(kinds.refuses_threads, range(4), workers_max=4)
    assert advice.context == "fork"
    assert any("RuntimeError: only one thread at a time" in each for each in advice.notes)


def test_what_raises_for_some_is_advised_by_the_others() -> None:
    """And they are counted."""
    advice = advised(kinds.is_choosy, range(10), contexts=["thread"])
    assert advice.facts.call.failed == 5
    assert any("5 inputs of the sample raised (ValueError: 1 is odd)" in n for n in advice.notes)


def test_what_raises_for_all_is_not_advised() -> None:
    """The first error is the cause."""
    with pytest.raises(
        SampleFailed, match=r"raises raised for every input .* ValueError: no 1"
    ) as e:
        advised(kinds.raises, [1, 2])
    assert isinstance(e.value.__cause__, ValueError)


def test_a_worker_that_dies_fails_its_trial_only() -> None:
    """P6: the advice goes on without that context, and says what happened."""
    advice = advised(kinds.dies_elsewhere, [os.getpid()] * 3, contexts=["fork"])
    assert advice.context == "main"
    assert [each.context for each in advice.trials if each.failure] == (["fork"] if SEVERAL else [])


def test_a_function_without_a_name_is_advised_too() -> None:
    """In the line of code it has one."""
    advice = advised(lambda number: number, [1], contexts=["thread"])
    assert advice.function == "<lambda>"
    assert "function(each)" in advice.how


@pytest.mark.parametrize(
    ("sample", "options", "said"),
    [
        ([], {}, "the sample is empty"),
        ([1], {"items": 0}, "items is 0"),
        ([1], {"workers_max": 0}, "workers_max is 0"),
        ([1], {"workers_max": 1025}, "workers_max is 1025; give a whole number from 1 to 1024"),
        ([1], {"budget_s": 0}, "budget_s is 0"),
        ([1], {"budget_s": float("nan")}, "budget_s is nan; give seconds"),
        ([1], {"budget_s": float("inf")}, "budget_s is inf; give seconds"),
        ([1], {"contexts": ["dask"]}, "there is no context 'dask' to advise; give thread"),
        ([1], {"contexts": "thread"}, r"contexts is 'thread'; give names in a list: \['thread'\]"),
        ([1], {"items": "5"}, "items is '5'; give a whole number"),
        ([1], {"items": float("nan")}, "items is nan; give a whole number"),
        ([1], {"workers_max": 2.5}, "workers_max is 2.5; give a whole number"),
        ([1], {"workers_max": None}, "workers_max is None; give a whole number"),
        ([1], {"budget_s": "2"}, "budget_s is '2'; give seconds"),
    ],
)
def test_wrong_use_is_told_before_anything_is_run(
    sample: list[int], options: dict[str, Any], said: str
) -> None:
    """In one sentence."""
    called: list[int] = []
    with pytest.raises((ValueError, TypeError), match=said):
        interlock.advise(called.append, sample, **options)
    with pytest.raises(TypeError, match="advise\\(\\) takes a function, and 5 cannot be called"):
        interlock.advise(5, [1])  # type: ignore[arg-type]
    assert called == []
