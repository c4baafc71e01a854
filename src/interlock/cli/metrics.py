"""Figures of a server for Prometheus, by prometheus-client."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Iterable, Iterator
from concurrent.futures import TimeoutError as TooSlow
from typing import Any

from interlock.errors import MissingDependency
from interlock.managers.served.service import Service

try:
    import prometheus_client
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
except ModuleNotFoundError as error:
    raise MissingDependency(
        "Figures for Prometheus need prometheus-client, which is not installed. "
        "Install it with `pip install 'interlock[telemetry]'`."
    ) from error

__all__ = ["exported"]

_HERE = "127.0.0.1"  # object names are nobody else's business, unless an address says so
_LOOP_S = 5.0  # how long a page waits for the server's loop
_NAMES_MAX = 1000  # objects that are told one by one


class _Figures:
    """Looks at a service when it is asked, in the service's loop.

    Args:
        service: What is looked at.
        loop: In which it runs.
    """

    def __init__(self, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self._service = service
        self._loop = loop

    def collect(self) -> Iterable[Any]:
        """As prometheus-client has it; called in its thread."""
        looked = asyncio.run_coroutine_threadsafe(self._look(), self._loop)
        try:
            return looked.result(_LOOP_S)
        except (TooSlow, RuntimeError):  # it ends, or a method of a program holds it up
            looked.cancel()
            return []

    def describe(self) -> Iterable[Any]:
        """As prometheus-client has it: nothing is asked before the first page."""
        return []

    async def _look(self) -> list[Any]:
        service, store = self._service, self._service.store
        found: list[Any] = [
            GaugeMetricFamily(f"interlock_{name}", f"How many {name} there are.", value=count)
            for name, count in service.server.statistics().items()
        ]
        found.append(
            GaugeMetricFamily("interlock_store_bytes", "What all values take.", value=store.nbytes)
        )
        found.append(
            GaugeMetricFamily(
                "interlock_waiting_calls", "Calls that wait for others.", value=store.waiting()
            )
        )
        if service.journal is not None:
            for name, count in (
                ("commits", service.journal.commits),
                ("changes", service.journal.changes),
            ):
                found.append(
                    CounterMetricFamily(
                        f"interlock_journal_{name}", f"How many {name} were written.", value=count
                    )
                )
        sizes = GaugeMetricFamily(
            "interlock_object_size", "What is in an object.", labels=["kind", "name", "of"]
        )
        for kind, name, counts in itertools.islice(store.sizes(), _NAMES_MAX):
            for what, count in counts.items():
                sizes.add_metric([kind, name, what], count)
        return [*found, sizes]


@contextlib.contextmanager
def exported(
    address: tuple[str, int], service: Service, loop: asyncio.AbstractEventLoop
) -> Iterator[tuple[str, int]]:
    """Serve the page inside the block.

    Args:
        address: Where; this machine alone if there is no host, and port 0 for a free one.
        service: What is told of.
        loop: In which it runs.

    Yields:
        The address, with the port that was given.

    Raises:
        OSError: The address is taken.
    """
    registry = prometheus_client.CollectorRegistry(auto_describe=False)
    registry.register(_Figures(service, loop))
    prometheus_client.ProcessCollector(registry=registry)
    host, port = address[0] or _HERE, address[1]
    try:
        server, thread = prometheus_client.start_http_server(port, addr=host, registry=registry)
    except OSError as error:
        raise OSError(error.errno, f"--metrics {host}:{port}: {error.strerror}") from error
    try:
        bound, port = server.server_address[:2]
        yield str(bound), int(port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
