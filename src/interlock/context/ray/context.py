"""RayContext: work on a cluster of Ray, or on one that is started here.

    Pool, ProcessPoolExecutor    Ray's tasks, scheduled and tried again by it (`tasks/`, `ray/`)
    Process                      an actor that runs one function
    locks, queues, values, dicts a board in one async actor, made when the first is (`board/`)

Each process finds the board by the handles that it is given (`far/`). What a process had is given
back when it dies; when the actor dies, all that use it get `ServerGone`.
"""

# Of what it calls, Ray types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import secrets
import threading
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import ray

from interlock.context.far.context import FarContext
from interlock.context.far.manager import FarManager
from interlock.context.ray import cluster
from interlock.context.ray.launcher import RayLauncher, RayOptions
from interlock.context.ray.line import RayLine, started_board
from interlock.context.ray.process import RayProcess, active_children
from interlock.context.tasks.crew import FarCrew, Preparation
from interlock.context.tasks.engine import AHEAD
from interlock.context.tasks.executor import FarExecutor
from interlock.context.tasks.pool import FarPool
from interlock.errors import NoSuchOption, ServerGone
from interlock.pool.limits import whole_number

if TYPE_CHECKING:
    pass

__all__ = ["RayContext"]

END_S = 10.0  # for processes that are ended with their cluster
_HERE = "Ray has no such setting for a worker. Set it by `runtime_env={'env_vars': ...}`"


class RayContext(FarContext):
    """Work runs in tasks and actors of Ray.

    Args:
        address: ``"auto"`` for the cluster of this machine, or ``"host:port"``; None for the one
            that this program is connected to already, or was given to as a job of Ray, or else
            for a new one here.
        num_cpus: Of a new one; None for those of the machine.
        num_gpus: Of a new one.
        runtime_env: Packages, files and variables of the workers, as Ray has it.
        init: Further arguments of `ray.init`, such as ``object_store_memory``, where this calls it.

    Raises:
        NoSuchOption: num_cpus or num_gpus, and the cluster is there already; runtime_env, or the
            address of another one, and this program is connected already.
        ServerGone: There is no cluster at the address.

    If a process dies: a worker's or a machine's: its tasks are run again, as often as ``retries``
        says, or fail with `WorkerDied`. What it had of locks and queues is given back.

    Example::

        with interlock.get_context("ray", address="auto") as ray:
            with ray.Pool() as pool:
                pool.map(abs, [-1, 2, -3])
    """

    _name = "ray"
    runs_in = "workers of a Ray cluster"
    copies = True
    kills = True
    other_machines = True
    absent: ClassVar[Mapping[str, str]] = {
        "Pipe": "two Queues of this context",
        "RWLock": "a Lock of this context",
        "RawValue": "its Value(..., lock=False)",
        "RawArray": "its Array(..., lock=False)",
        "SharedArray": "`pool.map(..., keep_remote=True)` or `pool.share`, whose arrays are read "
        "in place, or its Array",
        "SharedDict": "its Manager().dict()",
        "current_process": "multiprocessing.current_process()",
    }

    Process = RayProcess  # type: ignore[assignment]

    def __init__(
        self,
        address: str | None = None,
        num_cpus: float | None = None,
        num_gpus: float | None = None,
        runtime_env: Any = None,
        init: Mapping[str, Any] | None = None,
    ) -> None:
        self._making = threading.Lock()
        self._crews: weakref.WeakSet[FarCrew] = weakref.WeakSet()
        self._line: RayLine | None = None
        self._is_closed = False
        self._is_ours = cluster.connect(address, num_cpus, num_gpus, runtime_env, dict(init or {}))

    def close(self) -> None:
        """Give up the actor of its locks and queues, and the cluster if it was started or joined
        by this context."""
        self._is_closed = True
        for crew in list(self._crews):  # who waits for its results is told
            crew.terminate()
        if self._is_ours and ray.is_initialized():
            _end_children()
        with self._making:
            line, self._line = self._line, None
        if line is not None:
            line.end()
        if self._is_ours and ray.is_initialized():
            ray.shutdown()

    def cpu_count(self) -> int:
        """How many CPUs the cluster has now.

        Raises:
            ServerGone: The context was closed.
        """
        self._check_open()
        return max(1, int(ray.cluster_resources().get("CPU", 1)))

    def active_children(self) -> list[Any]:  # type: ignore[override]
        """The processes that were started on Ray and have not ended."""
        return active_children()

    def _check_open(self) -> None:
        if self._is_closed:
            raise ServerGone("This context was closed. Make a new one.")
        cluster.check_connected()

    def _board(self) -> RayLine:
        with self._making:
            self._check_open()
            if self._line is None:
                self._line = started_board(secrets.token_hex(8))
            return self._line

    # ---- work --------------------------------------------------------------------

    def Pool(  # type: ignore[override]
        self,
        processes: int | None = None,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        maxtasksperchild: int | None = None,
        *,
        progress: bool = False,
        idle_timeout: float | None = None,
        threads: int | None = None,
        **options: Any,
    ) -> FarPool:
        """A pool on Ray's tasks; see `interlock.pool.Pool`.

        Args:
            processes: How many batches Ray has at once, at the most; None for as many as keep the
                cluster busy.
            initializer: Called in each worker before it runs anything of this pool.
            initargs: Its arguments.
            maxtasksperchild: Ray's ``max_calls``: batches after which it ends a worker.
            progress: As in `Pool`.
            idle_timeout: Refused: Ray ends workers that are idle by itself.
            threads: Refused: Ray sets them by ``num_cpus``.
            options: Of its tasks, as in `RayOptions`.

        Raises:
            ValueError: A number is out of its range.
            NoSuchOption: Ray has nothing like it.

        If a process dies: as in `RayContext`.
        """
        launcher = self._launcher(initializer, initargs, maxtasksperchild, idle_timeout, threads)
        crew = self._crew("processes", processes, launcher)
        return FarPool(crew, launcher.functions, RayOptions(**options), progress)

    def ProcessPoolExecutor(
        self,
        max_workers: int | None = None,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        max_tasks_per_child: int | None = None,
        idle_timeout: float | None = None,
        threads: int | None = None,
        **options: Any,
    ) -> FarExecutor:
        """An executor on Ray's tasks; its arguments are those of `Pool`.

        Raises:
            ValueError: A number is out of its range.
            NoSuchOption: Ray has nothing like it.

        If a process dies: as in `RayContext`.
        """
        launcher = self._launcher(initializer, initargs, max_tasks_per_child, idle_timeout, threads)
        crew = self._crew("max_workers", max_workers, launcher)
        return FarExecutor(crew, launcher.functions, RayOptions(**options))

    def _launcher(
        self, initializer: Any, initargs: Any, quota: Any, idle_timeout: Any, threads: Any
    ) -> RayLauncher:
        for name, value in (("idle_timeout", idle_timeout), ("threads", threads)):
            if value is not None:
                raise NoSuchOption(f"{name}: {_HERE}.")
        if quota is not None and (type(quota) is not int or quota < 1):
            raise ValueError(f"tasks of a worker: give a positive int or None; it is {quota!r}")
        return RayLauncher(Preparation(initializer, initargs), quota or 0)

    def _crew(self, name: str, size: int | None, launcher: RayLauncher) -> FarCrew:
        self._check_open()
        if size is None:
            found = self.cpu_count()
            crew = FarCrew(self, launcher, found, AHEAD * found)
        else:
            size = whole_number(name, size)
            crew = FarCrew(self, launcher, size, size)
        self._crews.add(crew)
        return crew

    def Manager(self) -> FarManager:  # type: ignore[override]
        """Dicts, lists and namespaces that all share; see `FarManager`."""
        return FarManager(self, self._board())


def _end_children() -> None:
    """They end with the cluster, and whoever waits for them is told first.

    If a process dies: that is what this waits for.
    """
    for child in active_children():
        child.terminate()
    for child in active_children():
        child.join(END_S)
