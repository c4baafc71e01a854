"""What all queues share: how one is made, closed, polled, and sent to another process."""

from __future__ import annotations

import functools
import operator
import os
import sys
import threading
import weakref
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, SupportsIndex

from interlock._handover import Passage, pack
from interlock._native import QueueEnd
from interlock._types import Context
from interlock.errors import QueueClosed
from interlock.queues.ends import ReadingEnd, WritingEnd
from interlock.serialize.trust import Terms, Trust

__all__ = ["QueueBase", "core_limits", "default_max_bytes"]

MEMORY_SHARE = 4  # of the machine's memory, one part: the bound of a queue that has none
DELIVERIES_MAX = 4094  # a record has 12 bits for its attempts; a dead letter takes one more
CGROUP_LIMIT = Path("/sys/fs/cgroup/memory.max")

# The handles of this process by segment: a queue that comes back here is attached once.
_handles: weakref.WeakValueDictionary[bytes, QueueEnd] = weakref.WeakValueDictionary()


if TYPE_CHECKING:
    _Base = QueueEnd
else:  # at run time the core's class comes in with the kind that this is mixed with
    _Base = object


class QueueBase(_Base):
    """A handle of a queue; mixed with one of the core's kinds."""

    _is_readable = True  # as interlock.connection.wait asks

    def _made(self, ctx: Context | None, terms: Terms) -> None:
        self._ctx = ctx
        self._terms = terms
        self._set_terms(terms.bounds, terms.writable)
        self._reader = ReadingEnd(self)
        self._writer = WritingEnd(self)
        _handles[self._segment_id()] = self

    @property
    def trust(self) -> Trust:
        """What its messages may be: ``"process"`` or ``"registered"``."""
        return self._terms.trust

    # What the standard library's pool takes when it throws away what is left; here nobody
    # waits for it, as a reader and a writer need no lock of the queue's.
    @functools.cached_property
    def _rlock(self) -> threading.Lock:
        return threading.Lock()

    def close(self) -> None:
        """Give up this process's handle; other processes' handles go on.

        Whatever was put will be delivered. A thread that waits in `get` or `put` of this
        handle gets QueueClosed within a moment.
        """
        self._release()

    def fileno(self) -> int:
        """A descriptor that poll(2) finds readable while there is a message to take.

        It is the queue's, not to be read from or closed. After the first call each `put` costs a
        system call more; `interlock.connection.wait` and `.aio` do without that.

        Raises:
            QueueClosed: This handle was closed.
        """
        return self._readable_fd()

    def __reduce__(self) -> tuple[Callable[..., QueueEnd], tuple[Any, ...]]:
        return _attached, (
            type(self),
            self._segment_id(),
            pack(self._descriptors()),
            self._terms,
        )

    def __repr__(self) -> str:
        try:
            ready, leased, *_ = self._counts()
        except QueueClosed:
            return f"<{type(self).__name__} closed>"
        held = f" leased={leased}" if leased else ""
        return f"<{type(self).__name__} ready={ready}{held}>"


def _attached(kind: type[QueueBase], segment: bytes, passage: Passage, terms: Terms) -> QueueEnd:
    """A queue that came from another process, or back to its own."""
    descriptors = passage.redeem()
    known = _handles.get(segment)
    queue = kind.__new__(kind)
    if known is not None and known._is_open:
        for fd in descriptors:
            os.close(fd)
        super(QueueBase, queue).__init__(known)
    else:
        super(QueueBase, queue).__init__(*descriptors)
    queue._made(None, terms)
    return queue


def core_limits(
    maxsize: int, max_bytes: int | None, max_deliveries: int | None, *, joinable: bool = False
) -> tuple[int, int, int, int, bool]:
    """What the core is told: messages, bytes of one, bytes of all, deliveries, joinable.

    Raises:
        TypeError: One of them is no integer.
        ValueError: max_bytes or max_deliveries is less than 1, or max_deliveries over 4094.
    """
    most = default_max_bytes() if max_bytes is None else _integer("max_bytes", max_bytes)
    deliveries = None if max_deliveries is None else _integer("max_deliveries", max_deliveries)
    for name, value in (("max_bytes", most), ("max_deliveries", deliveries)):
        if value is not None and value < 1:
            raise ValueError(f"{name} is {value}; give at least 1, or None for the default")
    if deliveries is not None and deliveries > DELIVERIES_MAX:
        raise ValueError(f"max_deliveries is {deliveries}; give at most {DELIVERIES_MAX}")
    most = min(most, sys.maxsize)
    messages = min(max(0, _integer("maxsize", maxsize)), sys.maxsize)
    return messages, most, most, deliveries or 0, joinable


def _integer(name: str, value: SupportsIndex) -> int:
    try:
        return operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is {value!r}, which is no integer") from None


@functools.cache
def default_max_bytes() -> int:
    """A quarter of the memory that this process may have: the machine's, or its cgroup's."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    try:
        memory = min(memory, int(CGROUP_LIMIT.read_text()))
    except (OSError, ValueError):
        return memory // MEMORY_SHARE  # no cgroup, or one without a limit
    return memory // MEMORY_SHARE
