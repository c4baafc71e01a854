"""What a client gives back: references that its program has no more; and what its children have.

Nobody waits for that: the desk is told when there is room, with the next call or after a while.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from interlock._interruptible import taken_at_once
from interlock.managers.calling.access import DESK, Access
from interlock.managers.wire.bodies import Call

__all__ = ["Returns"]


class Returns:
    """Gives back, of one client.

    Args:
        access: Notes what is to be given back, and which children there are.
        send: Sends a call, with these buffers, in a lane of its own; False if there is no room for
            it now.
    """

    def __init__(self, access: Access, send: Callable[[Call, list[memoryview]], bool]) -> None:
        self._access = access
        self._send = send
        self._turn = threading.Lock()  # what is lent and what is released keep their order

    def give_back(self) -> None:
        """Release what nobody here has any more.

        What children are to have is told first: they may have what was dropped since the fork.
        """
        access = self._access
        if not access.dropped and not access.forks:
            return
        had: list[bool] = []
        try:
            taken_at_once(self._turn, had)
            if True not in had:
                return  # another thread is at it; the next call, or the client's own, goes on
            counts = access.take_dropped()
            while access.forks and self._told("lend", access.forks[0]):
                access.forks.popleft()
            if counts and (access.forks or not self._told("release", counts)):
                access.dropped.extend(counts.items())
        finally:
            if True in had:
                self._turn.release()

    def _told(self, method: str, argument: object) -> bool:
        packed = self._access.arguments((argument,), {})
        return self._send(self._access.call(DESK, method, packed), packed[1])
