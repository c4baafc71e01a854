"""abandon: what a dead process leaves, on the spot; and kill_at, pause_at at a named point."""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

import interlock
from interlock import testing
from interlock.context import BaseContext
from interlock.errors import NoProbePoints, NotAbandoned
from interlock.testing import Abandoned, abandon, wait_ended, wait_stopped
from interlock.testing.trial import Trial
from tests.faults.stage import ROOT, Stage

SOON_S = 0.3


def test_what_it_put_is_there_and_what_it_held_is_given_back(trial: Trial) -> None:
    """P5: as after any death: a survivor in another process goes on with both."""
    queue = trial.make()
    queue.put("held")

    def hold_and_put() -> Any:
        delivery = queue.lease(timeout=10).__enter__()
        queue.put("put")
        return delivery

    gone = abandon(hold_and_put)
    assert gone.at is None
    wait_ended(gone.pid)
    assert sorted(trial.child(take_two, queue).result()) == [("held", 2), ("put", 1)]


def take_two(queue: Any) -> list[tuple[Any, int]]:
    seen = []
    for _ in range(2):
        with queue.lease(timeout=30) as delivery:
            seen.append((delivery.message, delivery.attempt))
    return seen


def test_a_lease_is_held_until_the_process_is_dead_and_only_by_it() -> None:
    """P5: this process has not taken part in it, and leaves nothing to wait for."""
    queue = interlock.Queue()
    queue.put("held")
    gone = abandon(lambda: queue.lease(timeout=10).__enter__())
    assert isinstance(gone, Abandoned)
    assert gone.pid not in queue.statistics().processes
    with pytest.raises(ChildProcessError):
        os.waitpid(gone.pid, os.WNOHANG)
    with queue.lease(timeout=10) as delivery:
        assert delivery.attempt == 2


def test_the_only_other_end_of_a_pipe_is_gone_with_it() -> None:
    """P5: what it had sent is received, and then the end."""
    receiver, sender = interlock.Pipe(duplex=False)
    abandon(lambda: sender.send("last words"))
    sender.close()
    assert receiver.recv() == "last words"
    with pytest.raises(EOFError):
        receiver.recv()
    receiver.close()


def test_it_may_die_by_itself_before_its_end() -> None:
    """P5: by die(), with everything as it is at that moment."""
    queue = interlock.Queue()

    def put_and_die() -> None:
        queue.put("before")
        testing.die()

    abandon(put_and_die)
    assert queue.get(timeout=10) == "before"


def test_a_function_that_fails_is_told_with_its_traceback() -> None:
    """P6: a test that abandons the wrong thing must not pass."""
    with pytest.raises(NotAbandoned, match=r"(?s)ended with 1:.*ZeroDivisionError") as caught:
        abandon(lambda: 1 // 0)
    assert "in test_a_function_that_fails" not in str(caught.value)
    assert "<lambda>" in str(caught.value)


@pytest.mark.parametrize("leave", [lambda: os._exit(3), lambda: sys.exit("enough")])
def test_a_function_that_ends_the_process_is_told(leave: Any) -> None:
    """P6: by its exit status, or by the exception that asked for it."""
    with pytest.raises(NotAbandoned, match=r"(?s)was to be killed, and ended with (3|1:.*enough)"):
        abandon(leave)


def test_another_signal_is_not_taken_for_the_kill() -> None:
    """P6: SIGTERM ends it before its time."""
    with pytest.raises(NotAbandoned, match="ended with -15"):
        abandon(lambda: os.kill(os.getpid(), signal.SIGTERM))


def test_a_function_that_takes_too_long_is_told_with_its_stack() -> None:
    """P6: and killed; the line in which it hangs is in the error."""
    with pytest.raises(NotAbandoned, match=r"still running after 0\.3 s") as caught:
        abandon(hang_here, timeout=SOON_S)
    assert "in hang_here" in str(caught.value)
    (pid,) = re.findall(r"Process (\d+) ", str(caught.value))
    wait_ended(int(pid))


def hang_here() -> None:
    threading.Event().wait()


def test_a_release_has_no_probe_points_and_says_where_to_get_them() -> None:
    """P6: NoProbePoints names the build and the command; disarm has nothing to do."""
    if testing.has_probes():
        pytest.skip("this build has probe points")
    for use in (
        testing.probe_names,
        lambda: testing.kill_at("put.committed"),
        lambda: testing.pause_at("put.committed"),
    ):
        with pytest.raises(NoProbePoints, match=r"make build/probes\.stamp"):
            use()
    with pytest.raises((NoProbePoints, NotAbandoned), match="no probe points"):
        abandon(lambda: None, at="put.committed")
    testing.disarm()


# ---- on the build with crash points


def names_here() -> tuple[str, ...]:
    assert testing.has_probes()
    return testing.probe_names()


def test_the_points_are_those_of_the_core_in_order(with_crash_points: Stage) -> None:
    """P5: as native/platform/probe.hpp lists them, in the build that was made from it."""
    code = Path(ROOT / "native/platform/probe.hpp").read_text(encoding="utf-8")
    table = re.search(r"NAMES\[\] = \{(.*?)\};", code, re.DOTALL)
    assert table is not None
    assert with_crash_points.run(names_here) == tuple(re.findall(r'"([\w.]+)"', table[1]))


def put_three_and_die(at: str, passes: int) -> tuple[str | None, list[Any]]:
    queue = interlock.Queue()
    gone = abandon(lambda: queue.put_many(range(3)), at=at, passes=passes)
    return gone.at, queue.get_many(9, timeout=0) if queue.qsize() else []


@pytest.mark.parametrize(
    ("at", "passes", "left"),
    [
        ("put.written", 0, []),
        ("put.committed", 0, [0]),
        ("put.written", 2, [0, 1]),
        ("put.committed", 2, [0, 1, 2]),
    ],
)
def test_it_dies_at_the_point_and_at_the_pass_that_was_named(
    at: str, passes: int, left: list[int], with_crash_points: Stage
) -> None:
    """P5: before the message is committed it was not put; one store later it was."""
    assert with_crash_points.run(put_three_and_die, at, passes) == (at, left)


def come_not_so_far() -> str:
    queue = interlock.Queue()
    with pytest.raises(NotAbandoned) as caught:
        abandon(lambda: queue.put("only one"), at="put.committed", passes=1)
    return str(caught.value)


def test_a_point_that_is_never_come_to_is_told(with_crash_points: Stage) -> None:
    """P6: with its name, and how often it was to be gone by."""
    told = with_crash_points.run(come_not_so_far)
    assert "It never came to put.committed (passes=1)" in told


def arm_wrongly() -> tuple[str, str]:
    with pytest.raises(NoProbePoints) as unknown:
        testing.kill_at("put.nowhere")
    with pytest.raises(ValueError) as negative:
        testing.kill_at("put.committed", passes=-1)
    return str(unknown.value), str(negative.value)


def test_a_point_that_there_is_not_is_refused_with_those_that_there_are(
    with_crash_points: Stage,
) -> None:
    """P6: a slip in a name would let a test pass in which nobody dies."""
    unknown, negative = with_crash_points.run(arm_wrongly)
    assert "no probe point 'put.nowhere'" in unknown
    assert "put.committed" in unknown
    assert "passes is -1" in negative


def stop_and_go_on(method: str) -> list[Any]:
    context = interlock.get_context(method)
    queue = context.Queue()
    process = context.Process(target=put_and_stop_between, args=(queue,))
    process.start()
    wait_stopped(process, 30.0)
    seen = [queue.qsize()]
    testing.resume(process)
    wait_ended(process, 30.0)
    process.join()
    return [*seen, process.exitcode, queue.get_many(9)]


def put_and_stop_between(queue: Any) -> None:
    testing.pause_at("put.written", passes=1)
    queue.put_many(["before", "at it", "after"])


def test_a_process_stops_at_the_point_and_goes_on_from_there(
    context: BaseContext, with_crash_points: Stage
) -> None:
    """P5: pause_at in a child, wait_stopped and resume in its parent."""
    told = with_crash_points.run(stop_and_go_on, context.get_start_method())
    assert told == [1, 0, ["before", "at it", "after"]]


def arm_and_disarm() -> Any:
    queue = interlock.Queue()

    def go_by() -> None:
        testing.kill_at("put.committed")
        testing.disarm()
        queue.put("gone by")

    abandon(go_by)
    return queue.get(timeout=10)


def test_a_point_that_is_disarmed_is_gone_by(with_crash_points: Stage) -> None:
    """P5: the process comes to its function's end."""
    assert with_crash_points.run(arm_and_disarm) == "gone by"
