"""The cluster of a context: found by its address, or made on the spot."""

# Of what it calls, distributed types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import contextlib
from typing import Any

from distributed import Client, LocalCluster, get_client, get_worker
from distributed.comm.addressing import resolve_address

from interlock.context.dask.work.undisturbed import Undisturbed
from interlock.errors import ServerGone

__all__ = ["connected", "is_in_worker"]


def connected(
    end: contextlib.ExitStack,
    address: str | None,
    workers: int | None,
    client: Any,
    memory_limit: int | str | None,
    patience: float,
) -> Any:
    """A client of the cluster that is asked for; what ends with the context is put into ``end``.

    Raises:
        ServerGone: The scheduler cannot be reached.
        ValueError: Two are asked for at once, or workers is less than 1.
    """
    if sum(each is not None for each in (address, workers, client)) > 1:
        raise ValueError("give one of address, workers and client")
    if client is not None:
        return client
    if workers is not None and workers < 1:
        raise ValueError(f"workers is {workers}; give at least 1")
    if address is None and workers is None and is_in_worker():
        return get_client()
    if address is None:
        return _made(end, workers, memory_limit)
    try:
        resolve_address(address)  # a client that cannot begin to connect takes long to be collected
        found = Client(address, timeout=patience, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise ServerGone(
            f"There is no Dask scheduler at {address}: {error}. Start one by `dask scheduler`, or "
            "leave the address out and give workers= for a cluster of this machine."
        ) from error
    end.callback(_closed, found)
    return found


def is_in_worker() -> bool:
    """Whether this is a task, or a process, of a cluster."""
    try:
        get_worker()
    except ValueError:
        return False
    return True


def _made(end: contextlib.ExitStack, workers: int | None, memory_limit: Any) -> Any:
    """Of processes of this machine, with a thread each, as a pool has them."""
    cluster: Any = LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        memory_limit=memory_limit or "auto",
    )
    end.callback(_closed, cluster)
    found = Client(cluster, set_as_default=False)
    end.callback(_closed, found)
    found.register_plugin(Undisturbed())
    return found


def _closed(what: Any) -> None:
    """At the end it does not matter whether the other side is still there."""
    with contextlib.suppress(OSError, TimeoutError):
        what.close()
