"""A process of the thread context: a process's interface, and an honest end."""

from __future__ import annotations

import multiprocessing.dummy
import random
import signal
import sys
import threading
import weakref
from collections.abc import Callable
from types import FrameType
from typing import Any

import pytest

import interlock
from interlock.connection import wait
from interlock.context.threads.stopping import Ended
from interlock.testing import wait_asleep

LONG_S = 20.0
SEED, ROUNDS = 7, 60
NUMBERS = {"terminate": signal.SIGTERM, "kill": signal.SIGKILL, "interrupt": signal.SIGINT}
context: Any = interlock.get_context("thread")


def spin(begun: threading.Event) -> None:
    begun.set()
    while True:
        pass


def start_threads(begun: threading.Event) -> None:
    begun.set()
    while True:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


def started(target: Callable[..., object], *args: Any) -> Any:
    process = context.Process(target=target, args=args)
    process.start()
    return process


@pytest.mark.parametrize(("given", "code"), [(None, 0), (0, 0), (3, 3), ("words", 1)])
def test_what_it_gives_to_exit_is_its_exit_code(given: Any, code: int) -> None:
    """P1: as multiprocessing's processes; words go to standard error."""
    process = started(sys.exit, given)
    process.join(LONG_S)
    assert process.exitcode == code
    assert not process.is_alive()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_exception_is_exit_code_1_and_told_by_the_thread_s_hook() -> None:
    """P6: never silence."""
    told: list[Any] = []
    before, threading.excepthook = threading.excepthook, told.append
    try:
        process = started(int, "x")
        process.join(LONG_S)
    finally:
        threading.excepthook = before
    assert process.exitcode == 1
    assert told[0].exc_type is ValueError


@pytest.mark.parametrize("how", NUMBERS)
def test_python_code_is_stopped(how: str) -> None:
    """P3: by an exception in it; the exit code is the signal's."""
    begun = threading.Event()
    process = started(spin, begun)
    begun.wait(LONG_S)
    getattr(process, how)()
    process.join(LONG_S)
    assert process.exitcode == -NUMBERS[how]
    assert process not in context.active_children()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_one_that_starts_threads_is_stopped() -> None:
    """P3: not the thread that it is just starting, for which it would wait for ever (3.11)."""
    print("seed", SEED)
    chance = random.Random(SEED)
    for _ in range(ROUNDS):
        begun = threading.Event()
        process = started(start_threads, begun)
        begun.wait(LONG_S)
        threading.Event().wait(chance.random() * 0.001)
        process.terminate()
        process.join(LONG_S)
        assert process.exitcode == -signal.SIGTERM


def test_its_children_are_those_of_the_context() -> None:
    """P1: those of multiprocessing.dummy are in the same list, and neither spoils it."""
    gate = threading.Event()
    other = multiprocessing.dummy.Process(target=gate.wait)
    other.start()
    mine = started(gate.wait)
    assert context.active_children() == [mine]
    gate.set()
    other.join(LONG_S)
    mine.join(LONG_S)
    mine.close()
    assert not {mine, other} & {*multiprocessing.dummy.active_children()}


def test_children_that_another_thread_closes_meanwhile_are_none() -> None:
    """P1: whoever closes them, at whatever step."""
    over = threading.Event()
    mine = started(over.wait)
    ended = [started(int) for _ in range(20)]
    for process in ended:
        process.join(LONG_S)

    def closed(frame: FrameType, event: str, _: object) -> None:
        if ended and frame.f_code.co_filename == weakref.__file__:
            closing = threading.Thread(target=ended.pop().close)
            closing.start()
            closing.join(LONG_S)

    sys.setprofile(closed)
    try:
        children = context.active_children()
    finally:
        sys.setprofile(None)
        over.set()
    assert children == [mine]
    assert len(ended) < 20
    mine.join(LONG_S)


def test_what_waits_in_c_is_not_stopped_and_says_so() -> None:
    """P6: is_alive() tells the truth; it ends when it comes back to Python."""
    lock = threading.Lock()
    lock.acquire()
    process = started(lock.acquire)
    wait_asleep(process, LONG_S)
    process.kill()
    process.join(0.05)
    assert process.is_alive()
    assert process.exitcode is None
    lock.release()
    process.join(LONG_S)
    assert process.exitcode in (0, -signal.SIGKILL)


def test_what_it_waits_for_in_a_queue_is_stopped_and_takes_nothing() -> None:
    """P2: a get that has not returned has taken nothing."""
    queue = context.Queue()
    process = started(queue.get)
    wait_asleep(process, LONG_S)
    process.kill()
    process.join(LONG_S)
    assert process.exitcode == -signal.SIGKILL
    queue.put("there")
    assert queue.get(timeout=LONG_S) == "there"


def test_one_that_is_stopped_before_it_begins_does_nothing() -> None:
    """P3: start() returns before the target is called."""
    begun: list[int] = []

    class Late(context.Process):  # type: ignore[misc]
        def run(self) -> None:
            begun.append(1)

    process = Late()
    process._work.stop(signal.SIGTERM)
    process.start()
    process.join(LONG_S)
    assert (process.exitcode, begun) == (-signal.SIGTERM, [])


def test_code_that_catches_everything_goes_on() -> None:
    """As the docs say: a second stop may be caught, too."""
    caught, go = threading.Event(), threading.Event()

    def stubborn() -> None:
        try:
            while True:
                pass
        except Ended:
            caught.set()
        go.wait(LONG_S)

    process = started(stubborn)
    while not caught.is_set():
        process.terminate()
        caught.wait(0.05)
    assert process.is_alive()
    go.set()
    process.join(LONG_S)
    assert not process.is_alive()


def test_its_sentinel_is_waited_for() -> None:
    """P10: beside queues and pipes."""
    go = threading.Event()
    process = started(go.wait, LONG_S)
    queue = context.Queue()
    assert wait([process.sentinel, queue], 0) == []
    go.set()
    assert wait([process.sentinel, queue], LONG_S) == [process.sentinel]
    assert process.exitcode == 0
    process.close()
    with pytest.raises(ValueError, match="closed"):
        process.is_alive()


def test_close_refuses_one_that_runs() -> None:
    """P1: as multiprocessing."""
    go = threading.Event()
    process = started(go.wait, LONG_S)
    with pytest.raises(ValueError, match="still running"):
        process.close()
    go.set()
    process.join(LONG_S)
    process.close()
    process.close()
    assert repr(process) == f"<ThreadProcess({process.name}, closed)>"


def test_it_may_be_started_by_another_thread_than_made_it() -> None:
    """P1: as multiprocessing's processes may; that thread is its parent."""
    parents: list[Any] = []
    process = context.Process(target=lambda: parents.append(context.parent_process()))
    starter = threading.Thread(target=process.start)
    starter.start()
    starter.join(LONG_S)
    process.join(LONG_S)
    assert (process.exitcode, parents) == (0, [starter])


def test_one_that_could_not_be_started_may_be_started_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """P3: its handles are given back, and are there the next time."""
    ours, theirs = context.Pipe()
    process = context.Process(target=lambda end: end.send("there"), args=(theirs,))
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", lambda _: int("no thread"))
        with pytest.raises(ValueError, match="no thread"):
            process.start()
    process.start()
    theirs.close()
    assert ours.recv() == "there"
    with pytest.raises(EOFError):
        ours.recv()
    process.join(LONG_S)
    assert process.exitcode == 0


def test_the_thread_that_is_no_process_has_what_processes_have() -> None:
    """P1: a program asks for current_process().pid wherever it runs."""
    process = context.Process(target=int)
    seen: list[Any] = []
    plain = threading.Thread(target=lambda: seen.append(context.current_process()))
    plain.start()
    plain.join(LONG_S)
    with context.Pool(1) as pool:
        seen.append(pool.apply(context.current_process))
    for current in (*seen, context.current_process(), process):
        assert (current.pid, current.exitcode) == (current.ident, None)
        assert current.authkey == interlock.current_process().authkey


def test_it_has_handles_of_its_own() -> None:
    """P1: closing the parent's end does not close the child's, whose end closes with it."""
    ours, theirs = context.Pipe()

    def answer(end: Any, nested: tuple[Any]) -> None:
        assert nested[0] is not end
        end.send(end.recv() + 1)

    process = started(answer, theirs, (theirs,))
    theirs.close()
    ours.send(1)
    assert ours.recv() == 2
    with pytest.raises(EOFError):
        ours.recv()
    with pytest.raises(BrokenPipeError):
        ours.send(1)
    process.join(LONG_S)
    assert process.exitcode == 0


def test_objects_are_the_very_ones() -> None:
    """No serialization, whatever it is."""
    given: dict[str, Any] = {"lock": threading.Lock(), "self": None}
    given["self"] = given
    queue, (ours, theirs) = context.Queue(), context.Pipe()
    process = started(lambda got: (queue.put(got), theirs.send(got)), given)
    assert queue.get(timeout=LONG_S) is given
    assert ours.recv() is given
    process.join(LONG_S)


def test_who_runs_whom() -> None:
    """P1: current_process, parent_process, active_children, name and daemon."""
    seen: list[Any] = []
    go = threading.Event()

    def look() -> None:
        seen.append((context.current_process(), context.parent_process()))
        go.wait(LONG_S)

    process = context.Process(target=look, name="looker", daemon=True)
    assert (process.ident, process.exitcode, process.daemon) == (None, None, True)
    process.start()
    assert process in context.active_children()
    go.set()
    process.join(LONG_S)
    assert seen == [(process, threading.current_thread())]
    assert process.name == "looker"
    assert process.pid == process.ident != None  # noqa: E711
    with pytest.raises(RuntimeError, match="once"):
        process.start()
