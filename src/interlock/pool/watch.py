"""In a worker: what signals do, and the thread that puts down where a long task is."""

from __future__ import annotations

import faulthandler
import signal
import sys
import threading
import time
import traceback
from types import FrameType

from interlock.pool.status import CANCEL, RUNNING, Status

__all__ = ["CANCEL_SIGNAL", "Ended", "Watch"]

CANCEL_SIGNAL = signal.SIGRTMIN + 7
SAMPLE_S = 0.05  # how often the stack of a task that goes on is put down


class Ended(BaseException):
    """Raised in a task that was cancelled or is over its time."""


class Watch:
    """Lets signals do in this process what they are to do.

    Args:
        status: The worker's page.
        loop: The file whose frames are above those of a task.
    """

    def __init__(self, status: Status, loop: str) -> None:
        self._status = status
        self._loop = loop
        self._main = threading.main_thread().ident
        signal.set_wakeup_fd(-1)  # a forked worker has the parent's
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        # Ctrl-C is the pool's business. No SIG_IGN, which programs started by a task would keep.
        signal.signal(signal.SIGINT, lambda number, frame: None)
        signal.signal(CANCEL_SIGNAL, self._cancel)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGTERM, CANCEL_SIGNAL))
        faulthandler.disable()  # or it keeps handlers that another library has replaced since
        faulthandler.enable(file=status.fault_fd(), all_threads=False)

    def start(self) -> None:
        """Begin to put down where a task is that goes on."""
        threading.Thread(target=self._sample, name="interlock-watch", daemon=True).start()

    def _cancel(self, number: int, frame: FrameType | None) -> None:
        running = self._status.words[RUNNING]
        if running and running == self._status.words[CANCEL]:
            raise Ended

    def _sample(self) -> None:
        words = self._status.words
        last = 0
        while True:
            time.sleep(SAMPLE_S)
            running = words[RUNNING]
            if running and running == last:
                frame = sys._current_frames().get(self._main or 0)
                if frame is not None:
                    self._status.write_stack(_stack_of(frame, self._loop))
                del frame
            elif last:
                self._status.forget_stack()
            last = running


def _stack_of(frame: FrameType, loop: str) -> str:
    entries = traceback.StackSummary.extract(traceback.walk_stack(frame), lookup_lines=True)
    entries.reverse()
    first = next((i + 1 for i, e in enumerate(entries) if e.name in ("_call", "_batch")
                  and e.filename == loop), 0)  # fmt: skip
    shown = traceback.StackSummary.from_list(entries[first:] or entries)
    return "".join(shown.format())
