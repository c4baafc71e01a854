"""Leave shared state as a dead process leaves it.

The crash of a process is a state of what it shared: a lease that nobody ends, a lock held
by nobody, half a message. `abandon` brings it about on the spot, in the middle of a
test, by running a function in a forked child that is killed before it can tidy up.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import select
import signal
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from interlock.errors import NotAbandoned
from interlock.testing.kill import die, kill_at

__all__ = ["Abandoned", "abandon"]

SHOW_STACKS = signal.SIGUSR1
STACKS_WITHIN_S = 0.5  # from one part of them to the next


@dataclass(frozen=True)
class Abandoned:
    """A process that is gone, and has tidied up nothing.

    Attributes:
        pid: What it was.
        at: The probe point at which it died; None if it had come to its function's end.
    """

    pid: int
    at: str | None


def abandon(
    function: Callable[[], object],
    *,
    at: str | None = None,
    passes: int = 0,
    timeout: float = 30.0,
) -> Abandoned:
    """Run a function in a forked child that is then killed by SIGKILL.

    What the function returns is still alive when the child dies, so a lease that it
    returns stays taken. Its local variables are not: return them too, or call `die` inside.

    Args:
        function: What to do before dying. It may die earlier by itself.
        at: The probe point at which to die; by default, when the function has returned.
        passes: How often to go by that point first.
        timeout: How long the function may take, in seconds.

    Returns:
        Who died where; the child is waited for, and nothing of it is left but what it shared.

    Raises:
        NotAbandoned: The function raised, ended the process, never came to ``at``, or
            took too long; the message has its traceback or stack.
        NoProbePoints: ``at`` is given, and this build has no such point.
        ValueError: passes is negative.

    If a process dies: so it was meant.

    Example:
        >>> import interlock
        >>> queue = interlock.Queue()
        >>> queue.put("work")
        >>> gone = abandon(lambda: queue.lease().__enter__())
        >>> with queue.lease(timeout=5) as delivery:
        ...     delivery.message, delivery.attempt
        ('work', 2)
    """
    reading, writing = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _doomed(function, at, passes, writing)
    os.close(writing)
    with open(reading, errors="replace") as report:
        said = ""
        in_time = _wait_ended(pid, timeout)
        if not in_time:
            os.kill(pid, SHOW_STACKS)
            said += _read_while_it_comes(reading)
            os.kill(pid, signal.SIGKILL)
        status = os.waitpid(pid, 0)[1]
        said += report.read()
    if not in_time:
        raise NotAbandoned(f"Process {pid} was still running after {timeout:g} s:\n{said}")
    if said or os.waitstatus_to_exitcode(status) != -signal.SIGKILL:
        end = os.waitstatus_to_exitcode(status)
        raise NotAbandoned(f"Process {pid} was to be killed, and ended with {end}:\n{said}")
    return Abandoned(pid, at)


def _doomed(function: Callable[[], object], at: str | None, passes: int, report: int) -> NoReturn:
    try:
        faulthandler.register(SHOW_STACKS, file=report, all_threads=True)
        if at is not None:
            kill_at(at, passes)
        kept = function()
        if at is None:
            die()
        os.write(report, f"It never came to {at} (passes={passes}); it had {kept!r}.".encode())
    except BaseException:
        with contextlib.suppress(OSError):
            os.write(report, traceback.format_exc().encode())
    finally:
        os._exit(1)


def _wait_ended(pid: int, timeout_s: float) -> bool:
    watch = os.pidfd_open(pid)
    try:
        poll = select.poll()
        poll.register(watch, select.POLLIN)
        return bool(poll.poll(timeout_s * 1000))
    finally:
        os.close(watch)


def _read_while_it_comes(report: int) -> str:
    said = b""
    while select.select([report], [], [], STACKS_WITHIN_S)[0]:
        part = os.read(report, 1 << 16)
        if not part:
            break
        said += part
    return said.decode(errors="replace")
