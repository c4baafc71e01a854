"""check_connection: what holds of every pipe that claims multiprocessing's interface and ours."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.connection_contracts import ending, messages, polling, raw
from interlock.testing.contract import Suite
from interlock.testing.trial import Starter

__all__ = ["check_connection"]

TIMEOUT_S = 60.0

_suite = Suite(
    "connection",
    (*messages.CONTRACTS, *raw.CONTRACTS, *polling.CONTRACTS, *ending.CONTRACTS),
)


def check_connection(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a connection on new pipes, with threads and processes.

    Args:
        factory: Makes a pipe: called with ``duplex=False`` it gives an end that receives and one
            that sends, without arguments two ends that do both.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the connection does not offer; the contracts about them are left out.
            They are: ``arrays``, ``bytes``, ``close_wakes``, ``duplex``, ``fileno``, ``killed``
            (an end survives the death of one of its users), ``many`` (threads and processes
            share an end), ``travel`` (in a message).
        timeout: How long one contract may take, in seconds; one that hangs is broken.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_connection(context.Pipe, context=context)
    """
    _suite.run(factory, context, without, timeout)
