"""The loop inside a worker: take an input under a lease, run the function, send the outcome.

What a death leaves, step by step:

    1 lease    -> nothing: the input is delivered to another worker
    2 note     -> the same; the parent reads from the note which input it was
    3 run      -> the same
    4 send     -> the same, and the outcome is in the queue: the input runs once more
                  and a second outcome follows; the parent keeps the first (`ledger.py`)
    5 acknowledge -> the input is done

Sending before acknowledging is what makes "done" mean "recorded": the other order
would lose the outcome of a worker killed between the two.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import struct
from typing import Any

from interlock.cli.map.function import MappedFunction
from interlock.cli.map.outcome import Outcome, attempt, failed
from interlock.errors import Empty, MessageTooLarge, ShutDown

__all__ = ["Note", "follow_parent", "serve"]

PARENT_CHECK_S = 1.0  # how long an idle worker may outlive its parent if the signal is lost
PR_SET_PDEATHSIG = 1
NOTHING = -1


class Note:
    """One number shared with the parent: which input a worker is at.

    An anonymous mapping: it needs no name, is inherited by fork, and outlives the
    worker. An aligned word is written whole, so a death cannot leave half of it.
    """

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, 8)
        self.write(NOTHING)

    def write(self, index: int) -> None:
        """Note an input, by its index."""
        struct.pack_into("q", self._memory, 0, index)

    def read(self) -> int | None:
        """The input noted last; None if there is none."""
        index: int = struct.unpack_from("q", self._memory, 0)[0]
        return None if index == NOTHING else index


def serve(function: MappedFunction, inputs: Any, outcomes: Any, note: Note, parent: int) -> None:
    """Work through the queue of inputs until it is shut down.

    Args:
        function: What to run on each input.
        inputs: The queue of (index, input).
        outcomes: The queue that takes `Outcome.as_tuple()`.
        note: Where the parent looks which input this worker is at.
        parent: The pid of the parent; this worker ends when it does.

    If a process dies: another worker's death is not noticed here; the parent's
    ends this worker, by a signal at once or else when it is next idle.
    """
    follow_parent(parent)
    worker = os.getpid()
    while os.getppid() == parent:
        try:
            with inputs.lease(timeout=PARENT_CHECK_S) as delivery:
                index, given = delivery.message
                note.write(index)
                send(outcomes, attempt(function, index, given, delivery.attempt, worker))
            note.write(NOTHING)
        except Empty:
            continue
        except ShutDown:
            return


def send(outcomes: Any, outcome: Outcome) -> None:
    """Put an outcome into the queue; one that is too large is replaced by an error.

    Raises:
        ShutDown: The run is over.

    If a process dies: the parent's death ends this worker, full queue or not.
    """
    try:
        outcomes.put(outcome.as_tuple())
    except MessageTooLarge as error:
        outcomes.put(failed(outcome, error).as_tuple())


def follow_parent(parent: int) -> None:
    """End with the parent, and by Ctrl-C without a word.

    The parent starts its workers with SIGINT and SIGTERM blocked: from here on they
    simply end this process, so that no Ctrl-C finds Python's own handler, which
    would print a traceback for each worker.
    """
    signal.set_wakeup_fd(-1)  # a forked worker has the parent's
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)
    # SIGKILL, for the function may have handlers of its own for the others.
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM))
