"""What the desk answers to `put` and `get`."""

from __future__ import annotations

from interlock.context.dask.desk.answers import EMPTY, FULL, LOST, SHUT, TOO_LARGE, Answer
from interlock.errors import Empty, Full, MessageTooLarge, NoSuchObject, ShutDown

__all__ = ["check_put", "messages_of"]


def check_put(answer: Answer, size: int) -> None:
    """Let pass what was put.

    Raises:
        Full: There was no room in time.
        ShutDown: The queue was shut down.
        MessageTooLarge: It is larger than the queue may ever hold.
        NoSuchObject: A handle in it means nothing to the scheduler.
    """
    status, value = answer
    if status == FULL:
        raise Full
    if status == SHUT:
        raise ShutDown("the queue was shut down")
    if status == LOST:
        raise NoSuchObject(
            "A handle in the message means nothing to the scheduler: its task was cancelled, or "
            "it is of another cluster. The message was not put."
        )
    if status == TOO_LARGE:
        raise MessageTooLarge(
            f"A message of {size} bytes is larger than the queue's max_bytes, {value}. Large "
            "results stay better on the cluster: put a handle (keep_remote=True)."
        )


def messages_of(answer: Answer) -> list[tuple[bytes, int]]:
    """Data and attempt of each that the desk has leased.

    Raises:
        Empty: None came in time.
        ShutDown: The queue was shut down and nothing is left.
    """
    status, value = answer
    if status == EMPTY:
        raise Empty
    if status == SHUT:
        raise ShutDown("the queue was shut down, and nothing is left")
    return [(data, attempt) for data, attempt in value]
