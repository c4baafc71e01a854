"""Handle: a result that stays on the cluster, where it was computed."""

# Of what it calls, distributed types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from distributed import Future

from interlock.context.dask.faults import no_workers, translated
from interlock.context.dask.link import Link, link_here
from interlock.context.dask.packing import now, passed_value, refuse_outside
from interlock.pool.results import NotYet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from interlock.context.dask.aio import AsyncHandle

__all__ = ["Handle", "gathered"]

PATIENCE_S = 30.0
WATCH_S = 1.0  # how often to look whether there are workers
T = TypeVar("T")


class Handle(Generic[T]):
    """The result of a task of Dask, which stays in the memory of the worker that computed it.

    As an argument of a further task it is there as the value itself, and Dask runs the task where
    the value is, if it can. In a message of a queue it arrives as a handle. The value is kept as
    long as somebody has a handle of it.

    Args:
        future: Dask's own future.
        link: To its cluster.
        task: What computes it, in words.
        patience: Seconds to wait for a worker when there is none.

    If a process dies: a worker that had the value: Dask computes it again.
    """

    def __init__(
        self, future: Any, link: Link, task: str = "", patience: float = PATIENCE_S
    ) -> None:
        self.future = future
        self._link = link
        self._task = task
        self._patience = patience

    def get(self, timeout: float | None = None) -> T:
        """The value, brought here.

        Args:
            timeout: Seconds to wait for it; None for as long as it takes.

        Raises:
            TimeoutError: It is not there in that time.
            WorkerDied: The workers that were to compute it died, more of them than Dask tries; or
                there is none.
            ServerGone: The scheduler is lost.
            Exception: What the task raised.

        If a process dies: see WorkerDied; fewer deaths are Dask's to mend.
        """
        value: T = self._link.wait(lambda: self._value(timeout))
        return value

    async def _value(self, timeout: float | None) -> Any:
        waiting = asyncio.ensure_future(self._result())
        try:
            await self._look_on(waiting, timeout)
            return await waiting
        except Exception as error:
            other = translated(error, self._task or str(self.future.key), self._link.is_lost)
            if other is error:
                raise
            if other.__cause__ is None:
                other.__cause__ = error
        finally:
            waiting.cancel()
        raise other  # out here, where it keeps the context that it has

    async def _result(self) -> Any:
        return await self.future

    async def _look_on(self, waiting: asyncio.Future[Any], timeout: float | None) -> None:
        """Until it is done; not for ever where there is nobody to do it."""
        clock = asyncio.get_running_loop().time
        ends = math.inf if timeout is None else clock() + timeout
        alone_since = math.inf
        while not waiting.done():
            await asyncio.wait([waiting], timeout=max(0.0, min(WATCH_S, ends - clock())))
            if waiting.done():
                return
            task = self._task or str(self.future.key)
            if clock() >= ends:
                raise NotYet(
                    f"The result of {task} did not come within {timeout} s; its task goes on."
                )
            is_alone = not self._link.client.scheduler_info(n_workers=-1)["workers"]
            alone_since = min(alone_since, clock()) if is_alone else math.inf
            if clock() - alone_since >= self._patience:
                raise no_workers(task, self._patience)

    def ready(self) -> bool:
        """Whether the task is done."""
        return bool(self.future.done())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the task is done, without the value; whether it is.

        Raises:
            ServerGone: The scheduler is lost.

        If a process dies: as `Handle.get`.
        """
        return self._link.wait(lambda: self._done(timeout))

    async def _done(self, timeout: float | None) -> bool:
        waiting = asyncio.ensure_future(self.future._state.wait())
        await asyncio.wait([waiting], timeout=timeout)
        waiting.cancel()
        return self.ready()

    @property
    def workers(self) -> tuple[str, ...]:
        """The addresses of the workers that have the value; none before it is there."""
        held = self._link.client.who_has([self.future])
        return tuple(held.get(self.future.key, ()))

    @property
    def aio(self) -> AsyncHandle[T]:
        """`get` and `wait` to be awaited, under asyncio and Trio."""
        from interlock.context.dask.aio import AsyncHandle

        return AsyncHandle(self)

    def __reduce__(self) -> tuple[Any, ...]:
        refuse_outside(self)
        if now.futures is not None:
            now.futures.append(self.future)
            return passed_value, (len(now.futures) - 1,)
        assert now.keys is not None, "one of the two is asked for"
        now.keys.append(self.future.key)
        return _arrived, (self.future.key, self._task)

    def __repr__(self) -> str:
        return f"<Handle of {self._task or self.future.key}: {self.future.status}>"


def _arrived(key: Any, task: str) -> Handle[Any]:
    link = link_here()
    future: Any = Future(key, link.client)
    link.wish_for(key)
    return Handle(future, link, task)


def gathered(handles: Iterable[Handle[T]], timeout: float | None = None) -> list[T]:
    """The values of many, brought here together.

    Raises:
        TimeoutError: One is not there in that time.
        Exception: As `Handle.get`, for the first that has one.

    If a process dies: as `Handle.get`.
    """
    found: Sequence[Handle[T]] = list(handles)
    if not found:
        return []
    link = found[0]._link

    async def values() -> list[T]:
        return list(await asyncio.gather(*(each._value(timeout) for each in found)))

    return link.wait(values)
