"""Objects as bytes on their way through a cluster.

Three kinds of things travel as references. A handle of a result on the cluster: in the arguments
of a task it becomes the result itself, which Dask brings to where the task runs; in a message of a
queue it stays a handle, and the queue keeps the result. A thing of the desk: its name. Which of
these it is, the thread that packs or unpacks knows.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from interlock.errors import SerializationError
from interlock.serialize.whole import from_whole, whole_by_value

if TYPE_CHECKING:
    from interlock.context.dask.link import Link

__all__ = ["Now", "now", "pack_call", "pack_message", "unpack", "unpack_call", "using"]


class Now(threading.local):
    """What this thread packs or unpacks.

    Attributes:
        futures: Of handles in a call that is packed; None if none is.
        keys: Of handles in a message that is packed; None if none is.
        values: Of handles in a call that is unpacked.
        link: To the cluster that what is unpacked came from; None: that of this worker.
    """

    futures: list[Any] | None = None
    keys: list[Any] | None = None
    values: Sequence[Any] = ()
    link: Link | None = None


now = Now()


@contextlib.contextmanager
def using(**changes: Any) -> Iterator[None]:
    """Have other values in `now` within the block."""
    before = {name: getattr(now, name) for name in changes}
    now.__dict__.update(changes)
    try:
        yield
    finally:
        now.__dict__.update(before)


def pack_call(obj: Any) -> tuple[bytes, list[Any]]:
    """Arguments of a task as bytes, and the futures of the handles in them.

    Raises:
        SerializationError: A part of it cannot be sent.
    """
    futures: list[Any] = []
    with using(futures=futures, keys=None):
        return whole_by_value(obj), futures


def unpack_call(data: bytes, values: Sequence[Any]) -> Any:
    """What `pack_call` was given, with the values of the futures."""
    with using(values=values):
        return from_whole(data)


def pack_message(obj: Any) -> tuple[bytes, list[Any]]:
    """A message as bytes, and the keys of the handles in it.

    Raises:
        SerializationError: A part of it cannot be sent.
    """
    keys: list[Any] = []
    with using(futures=None, keys=keys):
        return whole_by_value(obj), keys


def unpack(data: bytes, link: Link | None) -> Any:
    """What `pack_message` was given, or a worker packed."""
    with using(link=link):
        return from_whole(data)


def passed_value(number: int) -> Any:
    """The value of a handle in a task's arguments."""
    return now.values[number]


def refuse_outside(what: object) -> None:
    """Raise, unless this thread packs something for a cluster."""
    if now.futures is None and now.keys is None:
        raise SerializationError(
            f"{what!r} means something on its cluster only. Pass it to a task, a process or a "
            "queue of its context."
        )
