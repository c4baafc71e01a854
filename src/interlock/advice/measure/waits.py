"""What a thread waits for: where in the kernel it sleeps, looked at some hundred times a second.

The kernel names the function in which a thread sleeps; of those that wait for several things, the
first descriptor that was asked for says whether it is a socket or a pipe. Where the kernel does not
tell (it may be built or set so), nothing is said.

Source: proc_pid_wchan(5), proc_pid_syscall(5); poll(2).
"""

from __future__ import annotations

import os
import re
import socket
import struct
import threading
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

__all__ = ["waited_for"]

T = TypeVar("T")
EVERY_S = 0.004
NETWORK, SLEEP, LOCK, PROGRAM = "the network", "a sleep", "a lock or another thread", "a program"
PIPE, LOCAL, DISK = "a pipe", "another process", "the disk"
# Of Linux 5.3 to 6.18; the first that is found in the name holds.
_NAMES = (
    (r"nanosleep", SLEEP),
    (r"futex", LOCK),
    (r"^do_wait|wait_consider", PROGRAM),
    (r"pipe_", PIPE),
    (r"unix_", LOCAL),
    (r"wait_woken|sk_|skb_|sock_|inet|tcp|udp|rpc_|nfs", NETWORK),
    (r"io_schedule|folio|wait_on_page|blk|bio_|jbd2|ext4|xfs|btrfs|filemap|fsync", DISK),
)
_SEVERAL = re.compile(r"poll_schedule|do_select|do_poll|ep_poll")
_POINTER_MIN = 1 << 16  # select(2) has a number there


def waited_for(run: Callable[[], T]) -> tuple[T, str]:
    """Run something in this thread, and look what it waits for.

    Returns:
        What it returned, and the most frequent reason; empty if none was seen.
    """
    watcher = _Watcher(threading.get_native_id())
    watcher.start()
    try:
        result = run()
    finally:
        watcher.over.set()
        watcher.join()
    common = watcher.seen.most_common(1)
    return result, common[0][0] if common else ""


class _Watcher(threading.Thread):
    """Looks at a thread.

    Args:
        number: The kernel's for it.
    """

    def __init__(self, number: int) -> None:
        super().__init__(name="interlock-advice-waits", daemon=True)
        self.over = threading.Event()
        self.seen: Counter[str] = Counter()
        self._folder = f"/proc/self/task/{number}"

    def run(self) -> None:
        """Until it is over."""
        while not self.over.wait(EVERY_S):
            reason = self._reason()
            if reason:
                self.seen[reason] += 1

    def _reason(self) -> str:
        name = _text(f"{self._folder}/wchan")
        if _SEVERAL.search(name):
            return self._of_several()
        return next((words for pattern, words in _NAMES if re.search(pattern, name)), "")

    def _of_several(self) -> str:
        words = _text(f"{self._folder}/syscall").split()
        place = int(words[1], 16) if len(words) > 2 else 0
        if place < _POINTER_MIN:
            return NETWORK  # select and epoll are for sockets, but for the rarest program
        try:
            memory = os.open("/proc/self/mem", os.O_RDONLY | os.O_CLOEXEC)
            try:
                (fd,) = struct.unpack("i", os.pread(memory, 4, place))
            finally:
                os.close(memory)
            return _what_is(fd)
        except (OSError, struct.error):
            return ""  # it waits no more


def _what_is(fd: int) -> str:
    target = os.readlink(f"/proc/self/fd/{fd}")
    if target.startswith("pipe:"):
        return PIPE
    if not target.startswith("socket:"):
        return ""
    with socket.socket(fileno=os.dup(fd)) as copy:
        return LOCAL if copy.family == socket.AF_UNIX else NETWORK


def _text(path: str) -> str:
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""
