"""check_executor: what holds of every executor that claims the standard interface and ours."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from interlock.testing.contract import Suite
from interlock.testing.executor_contracts import ending, futures, gathering, mapping
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
from interlock.testing.worker_contracts.subject import Executors

__all__ = ["check_executor"]

TIMEOUT_S = 60.0

_suite = Suite(
    "executor",
    (
        *calls.CONTRACTS,
        *futures.CONTRACTS,
        *gathering.CONTRACTS,
        *mapping.CONTRACTS,
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


def check_executor(
    factory: Callable[..., Any],
    *,
    context: Starter,
    without: Collection[str] = (),
    timeout: float = TIMEOUT_S,
) -> None:
    """Try every contract of an executor on new ones, with calls that are held, fail and die.

    Args:
        factory: Makes an executor whose workers start as the context has it. Called with the
            number of workers, and with ``initializer=``, ``initargs=`` and
            ``max_tasks_per_child=``. Two contracts call it in another process: it must be
            importable where the context does not fork.
        context: What starts the processes: one of `interlock.get_context`, or of
            `multiprocessing`'s.
        without: Parts that the executor does not offer; the contracts about them are left out.
            They are: ``aio`` (calls are awaited), ``backoff`` (of retries), ``broken_initializer``
            (calls fail when it does), ``buffersize`` (of map()), ``cancel`` (while it runs),
            ``causes`` (of an exception arrive), ``endless`` (inputs, without a buffersize),
            ``exits`` (a call may), ``killed`` (a death costs one call), ``lambdas``,
            ``left_open`` (a process may end without a shutdown), ``memory_limit``,
            ``odd_errors`` (arrive), ``orphans`` (there are none), ``priority``, ``processes``
            (the workers are), ``progress`` (is shown), ``quota`` (max_tasks_per_child),
            ``resize``, ``retries``, ``share``, ``terminate_workers`` (and kill_workers),
            ``timeout`` (of a call, not of a result).
        timeout: How long one contract may take, in seconds; an executor that hangs breaks it.

    Raises:
        AssertionError: A contract does not hold; the message says which, and how it broke.
        ValueError: without names a part that there is not.

    If a process dies: one of those that this starts, other than by this: its contract is broken.

    Example:
        >>> import interlock
        >>> context = interlock.get_context("fork")
        >>> threads = {"processes", "killed", "orphans", "quota", "terminate_workers"}
        >>> limits = {"cancel", "memory_limit", "retries", "timeout", "endless"}
        >>> extras = {"priority", "progress", "resize", "share"}
        >>> check_executor(
        ...     interlock.ThreadPoolExecutor, context=context, without=threads | limits | extras
        ... )
    """
    _suite.run(Executors(factory), context, without, timeout)
