"""P3: a child that is forked while another thread writes a line to a log can write one."""

from __future__ import annotations

import fcntl
import logging
import os
import select
import signal
import struct
import termios
import threading
from collections.abc import Iterator

import pytest

LONG_S = 30.0
SLOW_S = 0.5  # a line that waits for its reader, or whose thread is off the CPU
MUCH = "x" * (1 << 18)  # more than a pipe holds


@pytest.fixture
def pipe() -> Iterator[tuple[int, logging.Logger]]:
    """What is read of a log, and the log."""
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        log = logging.Logger("to a pipe")
        log.addHandler(logging.StreamHandler(stream))
        yield read, log
    os.close(read)


def waiting(read: int) -> int:
    """How many bytes nobody has read yet."""
    (number,) = struct.unpack("i", fcntl.ioctl(read, termios.FIONREAD, bytes(4)))
    return int(number)


def test_a_fork_waits_until_a_line_is_written(pipe: tuple[int, logging.Logger]) -> None:
    """Its thread has a lock in the file object, that no child can renew."""
    read, log = pipe
    is_over = threading.Event()

    def drain() -> None:
        while not is_over.is_set():
            if select.select([read], [], [], 0.05)[0]:
                os.read(read, 1 << 16)

    writer = threading.Thread(target=log.error, args=(MUCH,))
    writer.start()
    while waiting(read) < fcntl.fcntl(read, fcntl.F_GETPIPE_SZ):
        writer.join(0.01)  # then it waits for the reader
    reader = threading.Timer(SLOW_S, drain)
    reader.start()
    try:
        pid = os.fork()
        if pid == 0:
            try:
                log.error("of the child")
            finally:
                os._exit(0)
        watch = os.pidfd_open(pid)
        has_ended = bool(select.select([watch], [], [], LONG_S)[0])
        os.close(watch)
        if not has_ended:
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        assert has_ended, "the child waits for a thread that it has not got"
    finally:
        is_over.set()
        reader.join(LONG_S)
        writer.join(LONG_S)
