"""check_queue: what holds of every queue that claims multiprocessing's interface and ours."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite
from interlock.testing.queue_contracts import batches, ending, leases, messages, waiting
from interlock.testing.trial import Starter

__all__ = ["check_queue"]

TIMEOUT_S = 60.0

_suite = Suite(
    "queue",
    (
        *messages.CONTRACTS,
        *waiting.CONTRACTS,
        *ending.CONTRACTS,
        *batches.CONTRACTS,
        *leases.CONTRACTS,
    ),
)


def check_queue(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a queue on new ones, with threads and processes.

    Args:
        factory: Makes a queue for processes of the context. Called without arguments, with
            ``maxsize=`` and with ``max_deliveries=``; what comes with a part that the
            queue is without is not asked for.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the queue does not offer; the contracts about them are left out.
            They are: ``arrays``, ``at_put`` (it serializes in `put`), ``close_wakes``,
            ``dead_letters``, ``iteration``, ``killed`` (it survives killed users), ``lease``,
            ``many``, ``maxsize``, ``shutdown``, ``sizes`` (they are exact), ``tasks``,
            ``threads_to_join``, ``timeouts``, ``travel`` (in a message), ``undrained`` (no exit
            waits for a reader).
        timeout: How long one contract may take, in seconds; a queue that hangs breaks it.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_queue(context.Queue, context=context, without={"tasks"})
    """
    _suite.run(factory, context, without, timeout)
