"""DaskContext: work runs in the workers of a Dask cluster."""

from __future__ import annotations

import contextlib
import functools
import itertools
import os
import threading
import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from interlock.context.dask.cluster import connected, is_in_worker
from interlock.context.dask.faults import no_workers
from interlock.context.dask.link import link_of
from interlock.context.dask.tasks.executor import DaskExecutor
from interlock.context.dask.tasks.pool import DaskPool
from interlock.context.dask.tasks.process import DaskProcess, contexts
from interlock.context.far.context import FarContext
from interlock.context.far.line import Line
from interlock.errors import ServerGone

if TYPE_CHECKING:
    from typing import Unpack

    from interlock.context.dask.tasks.options import DaskTaskOptions

__all__ = ["DaskContext"]

GRACE_S = 2.0  # how long a daemon may take to end by itself
_numbers = itertools.count(1)
# Those that are not closed and have a connection of their own. Each is kept: its things have no
# more than that connection.
_open: dict[DaskContext, None] = {}


def _finish_all() -> None:
    """Before the interpreter ends: calls of executors, and processes, are waited for."""
    for context in list(_open):
        context.close()


threading._register_atexit(_finish_all)  # type: ignore[attr-defined]
os.register_at_fork(after_in_child=_open.clear)  # they are the parent's


class DaskContext(FarContext):
    """Work runs in the workers of a Dask cluster: one that is there, or one made on the spot.

    Args:
        address: Of the scheduler, such as ``"tcp://scheduler:8786"``; None for a cluster of this
            machine that ends with the context, or, in a task of Dask, for the cluster it runs on.
        workers: Of a cluster made on the spot: how many processes; None for one for each CPU.
        client: A `distributed.Client` to be used in place of a new one.
        memory_limit: Of a worker made on the spot, as Dask has it (bytes, or ``"2GB"``); None for
            its share of the machine.
        patience: Seconds to wait for the scheduler, and for a worker when there is none.

    Raises:
        ServerGone: The scheduler cannot be reached.
        ValueError: Two of address, workers and client are given, or workers is less than 1.

    If a process dies: see `DaskPool`, and docs/guide/clusters.md for each of the others.

    Example:
        >>> import interlock
        >>> with interlock.get_context("dask", workers=1) as dask:  # doctest: +SKIP
        ...     with dask.Pool() as pool:
        ...         pool.map(abs, [-1, 2, -3])
        [1, 2, 3]
    """

    _name = "dask"
    runs_in = "workers of a Dask cluster"
    copies = True
    kills = False
    other_machines = True
    absent: ClassVar[Mapping[str, str]] = {
        "Pipe": "two queues of this context",
        "RWLock": "a Lock of this context",
        "RawValue": "Value(..., lock=False)",
        "RawArray": "Array(..., lock=False)",
        "SharedArray": "Pool.map(..., keep_remote=True): arrays stay where they are computed; or "
        "Pool.share, which puts one on every worker",
        "SharedDict": "a dict of a server that all machines reach: `interlock serve`, and "
        "interlock.connect(...).dict(name)",
        "Manager": "a server that all machines reach: interlock.connect, or "
        "interlock.managers.BaseManager with an address of TCP",
    }

    def __init__(
        self,
        address: str | None = None,
        *,
        workers: int | None = None,
        client: Any = None,
        memory_limit: int | str | None = None,
        patience: float = 30.0,
    ) -> None:
        self._patience = patience
        self._end = contextlib.ExitStack()
        self._client = connected(self._end, address, workers, client, memory_limit, patience)
        self._link = link_of(self._client)
        self._processes: list[DaskProcess] = []
        self._placed: Counter[str] = Counter()  # of all processes, by worker
        self._executors: weakref.WeakSet[DaskExecutor] = weakref.WeakSet()
        self._is_closed = False
        if client is None and not is_in_worker():
            _open[self] = None

    @property
    def client(self) -> Any:
        """Dask's own client, for what else Dask can do."""
        return self._link.client

    def cpu_count(self) -> int:
        """How many tasks the cluster runs at once."""
        infos = self.client.scheduler_info(n_workers=-1)["workers"].values()
        return sum(each["nthreads"] for each in infos)

    def Pool(  # type: ignore[override]
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> DaskPool:
        """A pool of the cluster's workers; see `DaskPool`.

        Raises:
            ValueError: As there.

        If a process dies: As there.
        """
        return DaskPool(
            self._link, processes, initializer, initargs, maxtasksperchild,
            patience=self._patience, options=options,
        )  # fmt: skip

    def ProcessPoolExecutor(  # type: ignore[override]
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        max_tasks_per_child: int | None = None,
        **options: Unpack[DaskTaskOptions],
    ) -> DaskExecutor:
        """An executor on the cluster's workers; see `DaskExecutor`.

        Raises:
            ValueError: As there.

        If a process dies: As there.
        """
        executor = DaskExecutor(
            self._link, max_workers, initializer=initializer, initargs=initargs,
            max_tasks_per_child=max_tasks_per_child, patience=self._patience, options=options,
        )  # fmt: skip
        self._executors.add(executor)
        return executor

    # ---- processes -----------------------------------------------------------------

    @functools.cached_property
    def Process(self) -> type[DaskProcess]:  # type: ignore[override]
        """The class of this context's processes; see `DaskProcess`."""
        number = next(_numbers)
        contexts[number] = self
        return type("DaskProcess", (DaskProcess,), {"_context_number": number})

    def active_children(self) -> list[DaskProcess]:  # type: ignore[override]
        """The processes that this context has started and that have not ended."""
        self._processes = [each for each in self._processes if each.is_running]
        return list(self._processes)

    def _started(self, process: DaskProcess) -> None:
        self._processes = [*self.active_children(), process]

    def _place(self) -> str:
        """The worker for a process: with the fewest of ours, then of tasks; in turn."""
        infos = self.client.scheduler_info(n_workers=-1)["workers"]
        if not infos:
            try:
                self.client.wait_for_workers(1, timeout=self._patience)
            except TimeoutError:
                raise no_workers("of a process", self._patience) from None
            infos = self.client.scheduler_info(n_workers=-1)["workers"]
        had = Counter(each.worker for each in self.active_children())
        found = str(
            min(infos, key=lambda each: (had[each], self._load(infos[each]), self._placed[each]))
        )
        self._placed[found] += 1
        return found

    @staticmethod
    def _load(info: Any) -> int:
        return int(info.get("metrics", {}).get("task_counts", {}).get("executing", 0))

    def _board(self) -> Line:
        return self._link.line

    # ---- the end -------------------------------------------------------------------

    def close(self) -> None:
        """End what was made for this context: the connection, and a cluster made on the spot.

        Calls of executors, and processes that are no daemons, are waited for; daemons are
        terminated. At the end of the program this is done if it was not.
        """
        if self._is_closed:
            return
        self._is_closed = True
        _open.pop(self, None)
        with contextlib.suppress(ServerGone):  # then they are gone with it
            for executor in list(self._executors):
                executor.shutdown()
            running = self.active_children()
            for process in running:
                if process.daemon:
                    process.terminate()
            for process in running:
                process.join(GRACE_S if process.daemon else None)
        self._end.close()
