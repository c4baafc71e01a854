"""Batches of a pool as tasks of Ray, with its words for what we call otherwise.

retries       max_retries, and retry_exceptions for what a task raises or its time
maxtasksperchild   max_calls
keep_remote   a second return value, which is left in the object store
a death       WorkerCrashedError and the like, after Ray's last try: WorkerDied
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.pool import RemoteTraceback  # type: ignore[attr-defined]
from typing import Any

import ray
from ray import exceptions

from interlock.context.ray.cluster import check_connected
from interlock.context.ray.payload import Payload, pack, unpack
from interlock.context.ray.remote import Remote
from interlock.context.tasks import work
from interlock.context.tasks.batch import FarBatch
from interlock.context.tasks.crew import FarFunctions, Preparation
from interlock.context.tasks.options import FarOptions
from interlock.context.tasks.work import Again, Order, Report
from interlock.errors import NoSuchOption, SerializationError, ServerGone
from interlock.pool.faults import MemoryLimitExceeded, TaskCancelled, TaskTimeout, WorkerDied
from interlock.pool.messages import CALL
from interlock.serialize.exceptions import unpack_exception

__all__ = ["RayLauncher", "RayOptions"]

INLINE_MAX = 64 << 10  # bytes of a function that go with each task; more are in the object store
GRACE_S = 1.0  # for a task to end by an exception before its process is ended


@dataclass(frozen=True)
class RayOptions(FarOptions):
    """How a task is run on Ray; what Ray has no word for is refused.

    Attributes:
        memory: Bytes that Ray sets aside for it; no limit.
        runtime_env: Its environment; None for the context's.
    """

    memory: int | None = None
    runtime_env: Any = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, default, instead in (
            ("priority", 0, "Give out what is urgent first, or use `num_cpus` and `resources`"),
            ("memory_limit", None, "Use `memory=`, by which Ray chooses a machine; it ends tasks "
             "when a machine has no more"),
            ("backoff", 0.0, "It tries again at once, elsewhere if there is room"),
        ):  # fmt: skip
            if getattr(self, name) != default:
                raise NoSuchOption(f"Ray's tasks have no {name}. {instead}.")

    def as_ray(self) -> dict[str, Any]:
        """The options of a task of Ray."""
        said = {
            name: value
            for name in ("num_cpus", "num_gpus", "resources", "memory", "runtime_env")
            if (value := getattr(self, name)) is not None
        }
        again = [Again] if self.retry_on or self.timeout is not None else False
        return {**said, "max_retries": self.retries, "retry_exceptions": again}


def _run(order: Order, bundle: Payload, items: Payload) -> Report:
    """A batch, in a worker of Ray."""
    from interlock.context.ray.worker import begin

    begin()
    return work.run(order, bundle, items, pack, unpack)


def _run_kept(order: Order, bundle: Payload, items: Payload) -> tuple[Report, Any]:
    """A batch of one task whose value stays here."""
    report = _run(order, bundle, items)
    ((kind, value),) = report.outcomes
    if kind != work.KEPT:
        return report, None
    return report._replace(outcomes=[(kind, None)]), value


class RayLauncher:
    """Ray, for the engine of a pool.

    Args:
        preparation: What each process does first.
        max_calls: Batches after which Ray ends a worker; 0 for no bound.
    """

    def __init__(self, preparation: Preparation, max_calls: int = 0) -> None:
        self.preparation = preparation
        self.functions = FarFunctions(preparation, pack)
        self._task: Any = ray.remote(max_calls=max_calls)(_run)
        self._keeping: Any = ray.remote(max_calls=max_calls)(_run_kept)

    def launch(self, batch: FarBatch, tell: Callable[[Report | BaseException], None]) -> Any:
        """As `Launcher.launch`."""
        job = batch.job
        options: Any = job.options
        function = job.function
        bundle = self.functions.bundle(function)
        if isinstance(bundle, Payload) and _size(bundle) > INLINE_MAX:
            bundle = ray.put(bundle)
            self.functions.keep(function, bundle)
        items = pack([batch.items[0]] if job.kind == CALL else list(batch.items))
        order = batch.order(self.preparation.pool, self.preparation.key(function))
        given = options.as_ray()
        if options.keep_remote:
            ref, value = self._keeping.options(num_returns=2, **given).remote(order, bundle, items)
        else:
            ref, value = self._task.options(**given).remote(order, bundle, items), None

        def ended(future: Any) -> None:
            error = future.exception()
            if error is not None:
                tell(error)
                return
            report: Report = future.result()
            if value is not None and report.outcomes[0][0] == work.KEPT:
                report = report._replace(outcomes=[(work.KEPT, Remote(value))])
            tell(report)

        ref.future().add_done_callback(ended)
        return ref

    def stop(self, begun: Any, now: bool) -> None:
        """As `Launcher.stop`."""
        if not ray.is_initialized():
            return
        ray.cancel(begun, force=now)
        if not now:  # code that takes no notice of the exception
            timer = threading.Timer(GRACE_S, self.stop, (begun, True))
            timer.daemon = True
            timer.start()

    def explain(self, batch: FarBatch, place: int, error: BaseException) -> BaseException:
        """As `Launcher.explain`."""
        if isinstance(error, exceptions.RayTaskError):
            cause = error.cause
            if isinstance(cause, Again):
                return self._last(batch, place, cause)
            if isinstance(cause, exceptions.TaskCancelledError):
                what = batch.job.described(batch.first + place)
                return TaskCancelled(f"Task {what} was interrupted by KeyboardInterrupt.")
            if isinstance(cause, BaseException):
                error = SerializationError(f"The task's process could not go on: {cause!r}")
                error.__cause__ = cause
            return error
        return died(batch.job, batch.first + place, error)

    def _last(self, batch: FarBatch, place: int, again: Again) -> BaseException:
        """What a task ended with that is not tried again."""
        error = unpack_exception(again.packed, RemoteTraceback)
        if isinstance(error, TaskTimeout):
            error.task = batch.job.described(batch.first + place)
            error.attempt = batch.job.options.retries + 1
        return error

    def unpack(self, payload: Any) -> Any:
        """A result, whose arrays are writable copies."""
        return unpack(payload, writable=True)

    def lost(self) -> BaseException | None:
        """As `Launcher.lost`: a future of Ray tells nothing when Ray is shut down here."""
        try:
            check_connected()
        except ServerGone as gone:
            return gone
        return None

    def share(self, obj: Any) -> Remote[Any]:
        """An object in the object store.

        Raises:
            SerializationError: It cannot be sent.
        """
        try:
            return Remote(ray.put(obj))
        except TypeError as error:
            pack(obj)  # says it in a sentence
            raise SerializationError(str(error)) from error


def died(job: Any, index: int, error: BaseException) -> BaseException:
    """The error of a task whose process, or machine, is gone."""
    task = job.described(index)
    tried = job.options.retries + 1
    often = "once" if tried == 1 else f"{tried} times"
    said = " ".join(str(error).split())[:300]
    hint = "Give `retries=` to have Ray run it again."
    if isinstance(error, exceptions.OutOfMemoryError):
        return MemoryLimitExceeded(
            f"A worker of Ray was ended while it ran task {task}, as its machine had no more "
            f"memory. The task was not finished. Give `memory=`. Ray says: {said}",
            task=task, attempt=tried,
        )  # fmt: skip
    if isinstance(error, (exceptions.TaskUnschedulableError, exceptions.RuntimeEnvSetupError)):
        return NoSuchOption(f"Ray cannot run task {task}: {said}")
    if job.options.timeout is not None:
        hint += f" Or its timeout of {job.options.timeout:g} s was over while it ran code in C."
    return WorkerDied(
        f"A worker of Ray, or its machine, died while it ran task {task}. It was tried {often}, "
        f"and not finished; all other tasks go on. {hint} Ray says: {said}",
        task=task, attempt=tried,
    )  # fmt: skip


def _size(payload: Payload) -> int:
    return len(payload.data) + sum(memoryview(each).nbytes for each in payload.buffers)
