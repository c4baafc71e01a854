"""wait_asleep, wait_ended, wait_stopped: what a test may know of those it does not disturb."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext
from interlock.errors import NotStopped
from interlock.testing import resume, wait_asleep, wait_ended, wait_stopped

SOON_S = 0.3


@contextmanager
def running(context: BaseContext, target: Any, *args: Any) -> Iterator[Any]:
    """A process of the context, that is gone at the end."""
    process = context.Process(target=target, args=args)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def get_one(queue: Any) -> None:
    queue.get()


def spin(begun: Any) -> None:
    begun.send_bytes(b"")
    while True:
        """Busy, until it is killed."""


def end_with(status: int) -> None:
    sys.exit(status)


def test_a_process_that_waits_in_get_is_asleep(context: BaseContext) -> None:
    """P5: seen by its object and by its pid; nothing is taken from it."""
    queue = context.Queue()
    with running(context, get_one, queue) as process:
        wait_asleep(process)
        wait_asleep(process.pid)
        assert process.exitcode is None
        queue.put("for it")
        wait_ended(process)
        process.join()
        assert process.exitcode == 0


def test_a_thread_that_waits_is_asleep() -> None:
    """P5: that thread, whatever the others do."""
    event = threading.Event()
    thread = threading.Thread(target=event.wait)
    thread.start()
    wait_asleep(thread)
    assert thread.is_alive()
    event.set()
    thread.join()
    with pytest.raises(NotStopped, match=r"Thread \d+ ended instead of waiting"):
        wait_asleep(thread)


def test_a_process_that_works_is_not_asleep() -> None:
    """P5: NotStopped, when the time is over; it names the process."""
    context = interlock.get_context("fork")
    begun, child_begins = context.Pipe(duplex=False)
    with running(context, spin, child_begins) as process:
        begun.recv_bytes()
        with pytest.raises(NotStopped, match=rf"{process.pid} did not come to rest within 0\.3 s"):
            wait_asleep(process, timeout=SOON_S)
        with pytest.raises(NotStopped, match=rf"{process.pid} did not stop within 0\.3 s"):
            wait_stopped(process, timeout=SOON_S)
        with pytest.raises(NotStopped, match=rf"{process.pid} did not end within 0\.3 s"):
            wait_ended(process, timeout=SOON_S)
        assert issubclass(NotStopped, TimeoutError)


def test_an_end_is_seen_and_its_status_is_left_to_the_parent(context: BaseContext) -> None:
    """P5: a zombie has ended; join() still gets what it exited with."""
    with running(context, end_with, 7) as process:
        wait_ended(process)
        wait_ended(process.pid)
        process.join()
        assert process.exitcode == 7
        wait_ended(process.pid)  # there is no such process any more


def test_who_waits_for_a_stop_or_a_sleep_is_told_of_an_end_at_once(context: BaseContext) -> None:
    """P6: not at the end of the time, which is longer than a test may take."""
    with running(context, end_with, 0) as process:
        with pytest.raises(NotStopped, match="ended instead of stopping"):
            wait_stopped(process, timeout=1000.0)
        with pytest.raises(NotStopped, match="ended instead of waiting"):
            wait_asleep(process, timeout=1000.0)


def test_a_stopped_process_is_seen_and_goes_on(context: BaseContext) -> None:
    """P5: by SIGSTOP, as at a probe point; resume() lets it go on from there."""
    queue = context.Queue()
    with running(context, get_one, queue) as process:
        wait_asleep(process)
        os.kill(process.pid, signal.SIGSTOP)
        wait_stopped(process)
        queue.put("while it is stopped")
        wait_stopped(process)
        resume(process)
        wait_ended(process)
        assert queue.empty()


def test_processes_of_others_can_be_watched_too() -> None:
    """P5: anything with a pid, started by whatever means."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        wait_asleep(process)
        assert process.stdin is not None
        process.stdin.close()
        wait_ended(process)


def test_a_process_that_was_not_started_is_refused() -> None:
    """P6: it has no pid to look for; and one that is gone cannot go on."""
    process = interlock.Process()
    for wait in (wait_asleep, wait_ended, wait_stopped, resume):
        with pytest.raises(ValueError, match="was not started; start it first"):
            wait(process)
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    with pytest.raises(ProcessLookupError):
        resume(gone.pid)
