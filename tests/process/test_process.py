"""Processes of our contexts are the standard library's, and each other's (P1)."""

from __future__ import annotations

import gc
import multiprocessing
import os
import signal
import weakref
from collections.abc import Callable
from multiprocessing.connection import wait
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.process import Process
from tests.process.targets import Worker, describe, exit_with

LONG_S = 30.0  # nothing here takes as long


def test_a_process_is_one_of_both_libraries(context: BaseContext) -> None:
    """P1: `isinstance` holds with every class that a program may name."""
    process = context.Process()
    theirs: Any = multiprocessing.get_context(context.get_start_method())
    for kind in (interlock.Process, multiprocessing.Process, theirs.Process):
        assert isinstance(process, kind)
    assert isinstance(process, multiprocessing.process.BaseProcess)


@pytest.mark.parametrize(
    ("end", "number"), [(Process.terminate, signal.SIGTERM), (Process.kill, signal.SIGKILL)]
)
def test_methods_are_called_unbound(
    child: Process, end: Callable[[Process], None], number: int
) -> None:
    """P1: `Process.terminate(p)` takes the process of any context."""
    assert Process.is_alive(child)
    end(child)
    Process.join(child, LONG_S)
    assert child.exitcode == -number


def test_a_sentinel_is_ready_when_the_process_is_killed(child: Process) -> None:
    """P3: not before, and at once after."""
    assert wait([child.sentinel], timeout=0) == []
    child.kill()
    assert wait([child.sentinel], timeout=LONG_S) == [child.sentinel]


def test_there_is_no_sentinel_before_the_start(context: BaseContext) -> None:
    """P1: the standard library's error."""
    with pytest.raises(ValueError, match="not started"):
        context.Process().sentinel  # noqa: B018


def test_the_exit_code_is_the_child_s(context: BaseContext) -> None:
    """P1: what it exited with; None before it starts."""
    process = context.Process(target=exit_with, args=(3,))
    codes = [process.exitcode]
    process.start()
    process.join()
    codes.append(process.exitcode)
    assert codes == [None, 3]
    process.close()
    with pytest.raises(ValueError, match="closed"):
        process.is_alive()


class Argument:
    """Something whose end can be watched."""


def nothing(_argument: Argument) -> None:
    """A target that does nothing with what it is given."""


def test_the_arguments_are_let_go_after_the_start(context: BaseContext) -> None:
    """P1: a parent does not hold for ever what it gave to a child."""
    argument = Argument()
    watched = weakref.ref(argument)
    process = context.Process(target=nothing, args=(argument,))
    process.start()
    del argument
    gc.collect()
    assert watched() is None
    process.join()


def test_a_child_knows_its_family(context: BaseContext) -> None:
    """P1: the current process, its parent and its children, in the child as in the parent."""
    answers, theirs = multiprocessing.Pipe(duplex=False)
    process = context.Process(target=describe, args=(theirs,), name="Ada", daemon=True)
    process.start()
    theirs.close()
    found = answers.recv()
    answers.close()
    process.join()
    mine = interlock.current_process()
    assert found == {
        "name": "Ada",
        "pid": (process.pid, process.pid),
        "daemon": True,
        "authkey": bytes(mine.authkey),
        "parent": (mine.name, os.getpid(), True),
        "children": [],
    }


def test_both_libraries_see_the_same_children(child: Process) -> None:
    """P1: and no helper process shows."""
    assert interlock.active_children() == [child]
    assert multiprocessing.active_children() == [child]
    assert interlock.current_process() is multiprocessing.current_process()


def test_a_class_of_one_s_own_runs() -> None:
    """P1: `class Worker(Process)` with a `run`, started by the default context."""
    answers, theirs = multiprocessing.Pipe(duplex=False)
    worker = Worker(theirs)
    worker.start()
    theirs.close()
    assert answers.recv()["name"] == "worker of my own"
    answers.close()
    worker.join()
