"""check_pool: what holds of every pool that claims multiprocessing's interface and ours."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite
from interlock.testing.pool_contracts import calls as pool_calls
from interlock.testing.pool_contracts import ending, iterators, many
from interlock.testing.trial import Starter
from interlock.testing.worker_contracts import (
    awaited,
    calls,
    deaths,
    errors,
    extras,
    lazy,
    life,
    limits,
)
from interlock.testing.worker_contracts.subject import Pools

__all__ = ["check_pool"]

TIMEOUT_S = 60.0

_suite = Suite(
    "pool",
    (
        *calls.CONTRACTS,
        *pool_calls.CONTRACTS,
        *many.CONTRACTS,
        *iterators.CONTRACTS,
        *errors.CONTRACTS,
        *lazy.CONTRACTS,
        *life.CONTRACTS,
        *ending.CONTRACTS,
        *deaths.CONTRACTS,
        *limits.CONTRACTS,
        *extras.CONTRACTS,
        *awaited.CONTRACTS,
    ),
)


def check_pool(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of a pool on new ones, with tasks that are held, fail and die.

    Args:
        factory: Makes a pool whose workers start as the context has it. Called with the number
            of workers, and with ``initializer=``, ``initargs=`` and ``maxtasksperchild=``. Two
            contracts call it in another process: it must be importable where the context
            does not fork.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the pool does not offer; the contracts about them are left out.
            They are: ``aio`` (calls are awaited), ``backoff`` (of retries), ``broken_initializer``
            (calls fail when it does), ``cancel`` (while it runs), ``causes`` (of an exception
            arrive), ``endless`` (inputs), ``exits`` (a call may), ``killed`` (a death costs one
            call), ``lambdas``, ``left_open`` (a process may end without closing it),
            ``memory_limit``, ``odd_errors`` (arrive), ``orphans`` (there are none), ``priority``,
            ``processes`` (the workers are), ``progress`` (is shown), ``quota``
            (maxtasksperchild), ``resize``, ``retries``, ``share``, ``terminated`` (nobody waits
            for what was), ``timeout`` (of a call).
        timeout: How long one contract may take, in seconds; a pool that hangs breaks it.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> parts = {"causes", "killed", "lambdas", "memory_limit", "odd_errors", "retries"}
        >>> check_pool(context.Pool, context=context, without=parts)
    """
    _suite.run(Pools(factory), context, without, timeout)
