"""Kill or stop a process at a named point of a protocol.

Between every two steps of the core's protocols is a probe point
(``native/platform/probe.hpp``). They exist only in a build made for tests; in a release
they are compiled to nothing, and what is here raises NoProbePoints.

A point is armed in the process that is to die, for its next pass or a later one::

    def consumer(queue):
        kill_at("get.taken", passes=3)  # the fourth message is its last
        while True:
            queue.get()
"""

from __future__ import annotations

import os
import signal
from typing import Any, NoReturn

from interlock import _native
from interlock.errors import NoProbePoints
from interlock.testing.processes import Process, pid_of

__all__ = ["die", "disarm", "has_probes", "kill_at", "pause_at", "probe_names", "resume"]


def has_probes() -> bool:
    """Whether this build of the core has probe points."""
    return bool(_native.PROBES)


def probe_names() -> tuple[str, ...]:
    """The names of all points, in the order of the protocols' steps.

    Raises:
        NoProbePoints: This build has none.
    """
    return tuple(_probes().probe_names())


def kill_at(name: str, passes: int = 0) -> None:
    """Let this process be killed (SIGKILL) when one of its threads comes to a point.

    One point is armed at a time; a forked child has it armed too.

    Args:
        name: One of `probe_names`.
        passes: How often to go by it first.

    Raises:
        NoProbePoints: This build has none, or none of that name.
        ValueError: passes is negative.

    If a process dies: so it was meant.
    """
    _arm(name, "kill", passes)


def pause_at(name: str, passes: int = 0) -> None:
    """Let this process be stopped (SIGSTOP) when one of its threads comes to a point.

    All its threads stop. Its parent sees it by `wait_stopped`, and lets it go on by `resume`.

    Args:
        name: One of `probe_names`.
        passes: How often to go by it first.

    Raises:
        NoProbePoints: This build has none, or none of that name.
        ValueError: passes is negative.

    If a process dies: one that is stopped can be killed as any other.
    """
    _arm(name, "stop", passes)


def disarm() -> None:
    """Go by every point from now on. Does nothing in a build without them."""
    if has_probes():
        _probes().disarm_probe()


def resume(process: Process | int) -> None:
    """Let a stopped process go on.

    Args:
        process: The process, or its pid.

    Raises:
        ProcessLookupError: It has ended.
    """
    os.kill(pid_of(process), signal.SIGCONT)


def die() -> NoReturn:
    """End this process here and now, as the kernel's OOM killer would (SIGKILL)."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a process outlived its own SIGKILL")


def _arm(name: str, action: str, passes: int) -> None:
    if passes < 0:
        raise ValueError(f"passes is {passes}; give 0 for the first time, or more")
    if name not in probe_names():
        raise NoProbePoints(
            f"The core has no probe point {name!r}. There are: {', '.join(probe_names())}."
        )
    _probes().arm_probe(name, action, passes)


def _probes() -> Any:
    if not has_probes():
        raise NoProbePoints(
            f"This build of Interlock ({_native.__file__}) has no probe points, as no release has. "
            "Run `make build/probes.stamp` in Interlock's repository for one that has, and start "
            "the process with PYTHONPATH=build/probes/site."
        )
    return _native
