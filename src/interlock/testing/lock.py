"""check_lock: what holds of every lock that claims multiprocessing's interface and ours."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite
from interlock.testing.lock_contracts import ending, order, seen, turns
from interlock.testing.trial import Starter

__all__ = ["check_lock"]

TIMEOUT_S = 60.0

_suite = Suite("lock", (*turns.CONTRACTS, *ending.CONTRACTS, *seen.CONTRACTS, *order.CONTRACTS))


def check_lock(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a lock on new ones, with threads and processes.

    Args:
        factory: Makes a lock for processes of the context. Called without arguments, and with
            ``on_abandon=`` unless it is without ``abandoned``.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the lock does not offer; the contracts about them are left out.
            They are: ``abandoned`` (it says who died), ``any_release`` (not only its owner may
            release it), ``fair``, ``killed`` (it survives a killed owner), ``recursive``,
            ``seen`` (owner and waiters), ``travel`` (in a message).
        timeout: How long one contract may take, in seconds; a lock that hangs breaks it.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> check_lock(context.Lock, context=context, without={"recursive", "fair"})
    """
    _suite.run(factory, context, without, timeout)
