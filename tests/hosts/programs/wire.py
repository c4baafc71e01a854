"""A wire between two network interfaces that loses and delays frames, for kernels without netem.

    python -m tests.hosts.programs.wire NEAR FAR LOSS DELAY_S SEED

Makes two TAP interfaces in its network namespace and carries Ethernet frames between them, both
ways: each is dropped with the given probability, and comes out after the given time. To what sends
through it this is what `tc netem` on both ends is: packets are lost and late, and nobody is told.
Ends when its input ends, and says how many frames it has dropped.
"""

from __future__ import annotations

import fcntl
import os
import random
import select
import struct
import sys
import time
from collections import deque

_TUNSETIFF = 0x400454CA  # linux/if_tun.h
_IFF_TAP, _IFF_NO_PI = 0x0002, 0x1000
_FRAME_MAX = 65536
_WAITING_MAX = 10_000  # frames, as a router has no more room either


def tap(name: str) -> int:
    """A descriptor from which the frames are read that an interface of that name sends."""
    fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TAP | _IFF_NO_PI))
    return fd


class Wire:
    """Frames on their way.

    Args:
        ends: Descriptors of two TAP interfaces.
        loss: The probability that a frame is dropped.
        delay_s: How long each of the others is on its way.
        chance: Which frames.
    """

    def __init__(
        self, ends: tuple[int, int], loss: float, delay_s: float, chance: random.Random
    ) -> None:
        self._other = {ends[0]: ends[1], ends[1]: ends[0]}
        self._loss, self._delay_s, self._chance = loss, delay_s, chance
        self._waiting: deque[tuple[float, int, bytes]] = deque()
        self.dropped = 0

    def carry(self, until: int) -> None:
        """Carry frames until that descriptor has something to read."""
        while True:
            wait_s = self._waiting[0][0] - time.monotonic() if self._waiting else None
            ready = select.select([until, *self._other], [], [], wait_s and max(wait_s, 0.0))[0]
            if until in ready:
                return
            for end in ready:
                self._take(end)
            self._deliver()

    def _take(self, end: int) -> None:
        frame = os.read(end, _FRAME_MAX)
        if self._chance.random() < self._loss or len(self._waiting) == _WAITING_MAX:
            self.dropped += 1
        else:
            due_s = time.monotonic() + self._delay_s
            self._waiting.append((due_s, self._other[end], frame))

    def _deliver(self) -> None:
        while self._waiting and self._waiting[0][0] <= time.monotonic():
            _, end, frame = self._waiting.popleft()
            try:
                os.write(end, frame)
            except OSError:  # the interface is down, or its queue is full
                self.dropped += 1


def main(near: str, far: str, loss: str, delay_s: str, seed: str) -> None:
    """The command."""
    ends = tap(near), tap(far)
    print("there", flush=True)
    wire = Wire(ends, float(loss), float(delay_s), random.Random(int(seed)))
    wire.carry(sys.stdin.fileno())
    print(wire.dropped, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
