"""Sequencer: an order that holds, and an error that says why it cannot."""

from __future__ import annotations

import os
from typing import Any

import pytest

import interlock
from interlock.errors import SequenceBroken
from interlock.testing import Sequencer, wait_ended
from interlock.testing.trial import Trial

STEPS = 24
SOON_S = 0.3


def test_threads_take_their_steps_in_order(trial: Trial) -> None:
    """P5: whoever is started first, and however they are mixed."""
    order = Sequencer()
    log: list[int] = []

    def take(steps: range) -> None:
        for step in steps:
            with order(step):
                log.append(step)

    for first in reversed(range(4)):
        trial.thread(take, range(first, STEPS, 4))
    order.wait_done(STEPS - 1)
    assert log == list(range(STEPS))


def test_processes_take_their_steps_in_order(trial: Trial) -> None:
    """P5: as arguments of children, under every start method, beside a thread of the parent."""
    order, log = Sequencer(), trial.make()
    children = [trial.child(take_steps, order, log, range(n, STEPS, 3)) for n in (2, 1)]
    take_steps(order, log, range(0, STEPS, 3))
    for child in children:
        child.result()
    assert log.get_many(STEPS + 1) == list(range(STEPS))


def take_steps(order: Any, log: Any, steps: range) -> None:
    for step in steps:
        with order(step):
            log.put(step)


def test_it_travels_in_a_message(trial: Trial) -> None:
    """P5: whoever receives it has the same steps and names."""
    order, queue = Sequencer("child", "parent"), trial.make()
    child = trial.child(take_the_first, queue)
    queue.put(order)
    with order("parent"):
        assert order.is_done("child")
    child.result()


def take_the_first(queue: Any) -> None:
    with queue.get()("child"):
        """Nothing but to have been here."""


def test_a_step_is_done_when_its_block_has_ended() -> None:
    """P5: not before, as others see it."""
    order = Sequencer("one", "two")
    with order("one"):
        assert not order.is_done("one")
    assert order.is_done("one")
    assert order.is_done(0)
    assert not order.is_done("two")
    order.wait_done("one")


def test_a_step_that_nobody_takes_is_named_when_the_time_is_over() -> None:
    """P6: by who waits for it, in a block or by wait_done; the time is its own."""
    order = Sequencer("prepare", "use", timeout=SOON_S)
    expected = r"Step 'prepare' was not made within 0\.3 s; nobody came to it"
    with pytest.raises(SequenceBroken, match=expected):
        order.wait_done("prepare")
    with pytest.raises(SequenceBroken, match=expected):
        with order("use"):
            pytest.fail("it began although the one before it was not made")


def test_numbered_steps_are_named_by_their_numbers() -> None:
    """P6: as they were called."""
    with pytest.raises(SequenceBroken, match=r"Step 0 was not made within 0\.3 s"):
        Sequencer(timeout=SOON_S).wait_done(1)


def test_who_is_in_a_step_or_waits_for_one_is_named(trial: Trial) -> None:
    """P6: the process in which it hangs, so that one knows where to look."""
    order, go_on = Sequencer("slow", "next", "last", timeout=SOON_S), trial.pipe()
    child = trial.child(stay_in, order, "slow", go_on[0])
    order_seen_from_here = with_patience(order, timeout_s=30.0)
    child.wait_asleep()
    with pytest.raises(SequenceBroken, match=r"'slow' was not made .*; process \d+ was in it"):
        order.wait_done("slow")
    go_on[1].send_bytes(b"")
    order_seen_from_here.wait_done("slow")
    child.result()


def stay_in(order: Any, step: str, go_on: Any) -> None:
    with order(step):
        go_on.recv_bytes()


def with_patience(order: Sequencer, timeout_s: float) -> Sequencer:
    """The same steps, with another patience."""
    other = Sequencer.__new__(Sequencer)
    other._set(order._names, timeout_s, os.dup(order._memory))
    return other


def test_a_step_that_failed_ends_those_behind_it_at_once(trial: Trial) -> None:
    """P6: not at the end of their time, which is half a minute here."""
    order = Sequencer("fails", "waits")
    waiting = trial.thread(order.wait_done, "waits")
    with pytest.raises(ZeroDivisionError):
        with order("fails"):
            raise ZeroDivisionError
    with pytest.raises(SequenceBroken, match=rf"'fails' failed in process {os.getpid()}"):
        waiting.result()
    trial.forget(waiting)
    with pytest.raises(SequenceBroken, match="'fails' failed"):
        with order("waits"):
            pytest.fail("it began although the one before it failed")


def test_a_process_that_dies_in_its_step_ends_those_behind_it(trial: Trial) -> None:
    """P6: killed within the block, where it could say nothing."""
    order, never = Sequencer("doomed", "waits"), trial.pipe()
    child = trial.child(stay_in, order, "doomed", never[0])
    child.wait_asleep()
    waiting = trial.thread(order.wait_done, "waits")
    child.kill()
    with pytest.raises(SequenceBroken, match=r"'doomed' will not be made, for process \d+"):
        waiting.result()
    trial.forget(waiting)


def test_a_process_that_dies_before_its_step_is_noticed_if_it_was_expected(trial: Trial) -> None:
    """P6: `expect` says whose step it is, before anybody has come to it."""
    order = Sequencer("expected", "waits")
    process = trial.context.Process(target=do_nothing)
    process.start()
    order.expect("expected", process)
    wait_ended(process)
    expected = rf"'expected' will not be made, for process {process.pid}, .*nobody came to it"
    with pytest.raises(SequenceBroken, match=expected):
        order.wait_done("expected")
    process.join()


def do_nothing() -> None:
    """It ends without having made its step."""


def test_a_step_made_by_one_who_then_ended_is_made(trial: Trial) -> None:
    """P5: a death afterwards breaks nothing, expected or not."""
    order = Sequencer("first", "second")
    trial.child(take_first, order).result()
    with order("second"):
        assert order.is_done("first")


def take_first(order: Any) -> None:
    with order("first"):
        order.expect("first", os.getpid())


def test_a_step_is_made_once() -> None:
    """P6: a second time is a slip of the test, and told."""
    order = Sequencer("once")
    with order("once"):
        """The first time."""
    with pytest.raises(SequenceBroken, match="'once' was begun before; each is made once"):
        with order("once"):
            pytest.fail("it was made twice")


def test_steps_that_there_are_not_are_refused_with_those_that_there_are() -> None:
    """P6: names, numbers, and a name given twice."""
    named, numbered = Sequencer("a", "b"), Sequencer()
    for step in ("c", 2, -1):
        with pytest.raises(ValueError, match="there are 'a', 'b'"):
            named.wait_done(step)
    for step in ("a", 256, -1):
        with pytest.raises(ValueError, match="the numbers below 256"):
            numbered.is_done(step)
    with pytest.raises(ValueError, match="named twice"):
        Sequencer("a", "b", "a")
    with pytest.raises(ValueError, match="not started"):
        named.expect("a", interlock.Process())


def test_one_that_is_closed_leaves_the_others_their_steps() -> None:
    """P5: closing is for this handle, and may be repeated."""
    order = Sequencer("a", "b")
    other = with_patience(order, 30.0)
    with order("a"):
        """Made by the first."""
    order.close()
    order.close()
    with other("b"):
        assert other.is_done("a")
