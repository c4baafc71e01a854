"""A backend of joblib: `joblib.Parallel(backend="interlock")`, on a `ProcessPoolExecutor`.

A batch whose worker dies fails with `WorkerDied`, where loky's executor fails as a whole. Functions
of ``__main__``, lambdas and closures travel by value, as with loky; large arrays in shared memory.

Source: joblib.readthedocs.io, "Custom backend API".
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from types import FunctionType
from typing import Any

from joblib import register_parallel_backend  # type: ignore[import-untyped]
from joblib._parallel_backends import (  # type: ignore[import-untyped]
    AutoBatchingMixin,
    ParallelBackendBase,
    SequentialBackend,
)
from joblib.parallel import FallbackToBackend  # type: ignore[import-untyped]

from interlock.pool.executor import ProcessPoolExecutor
from interlock.pool.limits import cpu_count
from interlock.serialize.functions import by_value_apart, from_apart

__all__ = ["InterlockBackend", "register"]

# What joblib tells each backend: of the files in which loky's workers get arrays (ours are in
# shared memory), and of the context of its own.
_OF_OTHERS = frozenset(
    {"context", "idle_worker_timeout", "max_nbytes", "mmap_mode", "temp_folder", "verbose"}
)


class InterlockBackend(AutoBatchingMixin, ParallelBackendBase):  # type: ignore[misc]
    """What joblib asks of a backend.

    Options of `ProcessPoolExecutor` (``timeout``, ``retries``, ``memory_limit``, ``mp_context``
    ...) may be given as keywords of `joblib.parallel_config`.
    """

    supports_retrieve_callback = True
    supports_inner_max_num_threads = True
    _workers: ProcessPoolExecutor | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """How many workers there will be: -1 for all usable CPUs, -2 for all but one."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        return max(1, cpu_count() + 1 + n_jobs) if n_jobs < 0 else n_jobs

    def configure(
        self,
        n_jobs: int | None = 1,
        parallel: Any = None,
        prefer: str | None = None,
        require: str | None = None,
        **options: Any,
    ) -> int:
        """Make the workers; they start when there is work."""
        number = self.effective_n_jobs(n_jobs)
        if number == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        chosen = {
            name: value
            for name, value in {**self.backend_kwargs, **options}.items()
            if name not in _OF_OTHERS
        }
        self._workers = ProcessPoolExecutor(
            number, threads=self.inner_max_num_threads or max(1, cpu_count() // number), **chosen
        )
        self.parallel = parallel
        return number

    def submit(
        self, func: Callable[[], Any], callback: Callable[[Future[Any]], Any] | None = None
    ) -> Future[Any]:
        """Have a batch run."""
        assert self._workers is not None, "configure() is called first"
        if _has_names(func):
            future = self._workers.submit(_run, func)
        else:
            future = self._workers.submit(_run_apart, *by_value_apart(func))
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, future: Future[Any]) -> Any:
        """The results of a batch."""
        return future.result()

    def terminate(self) -> None:
        """End the workers; joblib has what it wanted."""
        workers, self._workers = self._workers, None
        if workers is not None:
            workers.terminate_workers()
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """End the workers in the middle of their work."""
        self.terminate()
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)


def register() -> None:
    """Let joblib know the backend by the name ``"interlock"``."""
    register_parallel_backend("interlock", InterlockBackend)


def _has_names(batch: Any) -> bool:
    """Whether all functions of a batch can be found by name in another process."""
    return all(
        not isinstance(function, FunctionType)
        or (function.__module__ != "__main__" and _is_found(function))
        for function, _, _ in getattr(batch, "items", [])
    )


def _is_found(function: FunctionType) -> bool:
    module = sys.modules.get(function.__module__)
    return getattr(module, function.__qualname__, None) is function


def _run(batch: Callable[[], Any]) -> Any:
    return batch()


def _run_apart(data: bytes, buffers: list[Any]) -> Any:
    return from_apart(data, buffers)()
