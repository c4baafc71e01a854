"""The benchmarks of pools notice wrong results, name who is missing, and leave nothing running."""

from __future__ import annotations

import multiprocessing
from typing import Any

import psutil
import pytest

from benchmarks import harness, pools, roles, run
from benchmarks.peers.pools import tasks
from benchmarks.peers.pools.contender import Contender
from benchmarks.peers.pools.everyone import EVERYONE
from benchmarks.peers.pools.of_context import StandardPool
from benchmarks.workloads import Workload

END_S = 10.0


def test_a_lost_surplus_or_wrong_result_is_noticed() -> None:
    """A benchmark that does not look proves nothing."""
    pools.check_results([1, 2], [1, 2])
    for results, words in (([1], "1 results came of 2"), ([1, 2, 2], "3 res"), ([2, 1], "task 0 ")):
        with pytest.raises(harness.WrongResult, match=words):
            pools.check_results(results, [1, 2])


def test_a_worker_notices_a_damaged_array() -> None:
    """One word a page."""
    array = roles.array(8 * roles.PAGE * 3, 2)
    assert tasks.there_and_back(array) is array
    array[roles.PAGE] += 1
    with pytest.raises(ValueError, match="array 2"):
        tasks.there_and_back(array)


class _Liar(StandardPool):
    """A pool whose last result is another one's."""

    def __init__(self) -> None:
        super().__init__(multiprocessing.get_context("fork"))

    def batched(self, function: Any, items: Any) -> Any:
        return [*super().batched(function, items)[:-1], -1]


def test_a_pool_that_gives_wrong_results_fails_the_round() -> None:
    """Through the process that drives it."""
    with pytest.raises(harness.WrongResult, match="task 9 gave -1, not 9"):
        pools._round(pools.batched, _Liar, 10)


def test_a_wrong_result_names_the_peer(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ten contestants do the same work: without a name nobody knows where to look."""
    workload = Workload("lies", "lies", None, {}, references={
        "the liar": lambda count: pools._round(pools.batched, _Liar, count)
    })  # fmt: skip
    monkeypatch.setattr(run, "WORKLOADS", (workload,))
    assert run.main(["--rounds", "1", "--count", "10"]) == 1
    assert "lies: WRONG RESULT: the liar: " in capsys.readouterr().err


def _left_behind(clock: harness.Clock, answer: Any) -> None:
    child = multiprocessing.get_context("fork").Process(target=answer.recv)
    child.start()
    answer.send(child.pid)
    clock.start()
    raise harness.WrongResult("the driver gives up")


def test_what_a_failed_driver_has_started_is_ended() -> None:
    """Workers that wait for a pool that is gone would wait for ever."""
    mine, theirs = multiprocessing.Pipe()
    role = harness.Role(_left_behind, (theirs,), has_children=True)
    with pytest.raises(harness.WrongResult, match="gives up"):
        harness.play(multiprocessing.get_context("fork"), [role])
    try:
        child = psutil.Process(mine.recv())
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs([child], END_S)
    assert not alive


def test_who_is_not_installed_is_left_out_and_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On stderr; the others are measured."""

    class Elsewhere(StandardPool):
        NAME = "elsewhere"
        MODULE = "interlock_has_no_such_peer.pool"

    monkeypatch.setattr(pools, "EVERYONE", (EVERYONE[0], Elsewhere))
    workload: Workload = pools._workload("of-few", "of few", pools.batched, 1)
    monkeypatch.setattr(run, "WORKLOADS", (workload,))
    assert run.main(["--rounds", "1", "--count", "10"]) == 0
    output = capsys.readouterr()
    assert "left out, not installed: elsewhere\n" in output.err
    assert EVERYONE[0].NAME in output.out
    assert "elsewhere" not in output.out


@pytest.mark.parametrize("kind", EVERYONE, ids=lambda kind: kind.NAME)
def test_each_peer_is_whole(kind: type[Contender]) -> None:
    """Those that are not installed here too: nothing is left abstract."""
    assert not getattr(kind, "__abstractmethods__", None)
