"""Crew: the tasks of one pool or executor that are under way on a cluster.

    begin ──► submitted to Dask (no more at once than the pool has processes) ──► settled

A task is a `Batch`: some calls of one function. Dask chooses the worker, runs it again when a
worker dies, and brings the answer to the client's event loop; from there it goes to the crew's
thread for answers, where it is unpacked, and told to the batch's job.

C1  Each batch is told once, whatever happens: outcomes, or one error for all its calls.
C2  A batch is in `open` from begin() until it is told.

A death: of a worker, Dask's retry or `WorkerDied`; of all workers, `WorkerDied` after the patience
of the context; of the scheduler, `ServerGone`.
"""

# Of what it calls, distributed types a part.
# mypy: allow-untyped-calls

from __future__ import annotations

import asyncio
import heapq
import threading
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Protocol

from interlock.context.dask.faults import lost_scheduler, no_workers, translated
from interlock.context.dask.link import Link
from interlock.context.dask.packing import pack_call, unpack
from interlock.context.dask.tasks.batch import Batch, Outcomes, group_for, sequence
from interlock.context.dask.work.place import interrupt
from interlock.context.dask.work.run import Again, Calls, Cancelled, run
from interlock.context.dask.work.state import Initializer
from interlock.errors import InterlockError
from interlock.pool.faults import PoolClosed, PoolTerminated, TaskCancelled
from interlock.serialize.whole import whole_by_value

__all__ = ["Crew"]

WATCH_S = 1.0  # how often to look whether there are workers
KNOWN_S = 0.01  # how often to look whether the scheduler has heard of tasks


class Stream(Protocol):
    """What reads an input as far as is needed."""

    def input_closes(self) -> None:
        """The pool takes nothing new: read to the end, if that is not for ever."""

    def close(self) -> None:
        """Read no more."""


class Crew:
    """See the head of this module.

    Args:
        link: To the cluster.
        size: Batches at once; None to leave it to Dask.
        initializer: Called first in each worker, with initargs.
        initargs: Its arguments.
        patience: Seconds after which tasks fail if there is no worker.

    Raises:
        SerializationError: The initializer cannot be sent.
    """

    def __init__(
        self, link: Link, size: int | None, initializer: Any, initargs: Sequence[Any],
        patience: float,
    ) -> None:  # fmt: skip
        self.link = link
        self.number = uuid.uuid4().hex
        self.size = size
        packed = None
        if initializer is not None:
            packed, futures = pack_call((initializer, tuple(initargs)))
            if futures:
                raise InterlockError("initargs cannot be handles; pass them to the tasks.")
        self.initializer = Initializer(self.number, packed)
        self.patience = patience
        # Unpacks what comes and calls callbacks, in order; its thread ends with this object.
        self._answers = ThreadPoolExecutor(1, thread_name_prefix="interlock-dask-answers")
        self._changed = threading.Condition(threading.RLock())
        self._open: set[Batch] = set()
        self._waiting: list[tuple[int, int, Batch]] = []  # a heap, by priority
        self._under_way = 0
        self._is_watched = False
        self._streams: dict[Stream, None] = {}  # whose input is not at its end
        self.is_closed = False
        self.is_terminated = False

    @property
    def workers(self) -> int:
        """How many tasks the cluster runs at once, about; at least 1."""
        infos = self.link.client.scheduler_info(n_workers=-1)["workers"].values()
        return max(1, sum(int(each["nthreads"]) for each in infos))

    def key_for(self, name: str) -> tuple[str, int]:
        """Of another task of a function of that name."""
        return group_for(name, self.number), next(sequence)

    def reads(self, stream: Stream) -> None:
        """A stream begins to read its input.

        Raises:
            PoolClosed: No more tasks are taken.
        """
        with self._changed:
            if self.is_closed:
                raise PoolClosed("The pool takes no more tasks: it was closed.")
            self._streams[stream] = None

    def has_read(self, stream: Stream) -> None:
        """Its input is at its end."""
        with self._changed:
            self._streams.pop(stream, None)
            self._changed.notify_all()

    # ---- in ----------------------------------------------------------------------

    def begin(self, batches: Sequence[Batch], stream: Stream | None = None) -> None:
        """Have them run.

        Args:
            batches: What is run.
            stream: That they are of; one that was there before the pool was closed goes on.

        Raises:
            PoolClosed: No more tasks are taken.
        """
        with self._changed:
            if self.is_terminated or (self.is_closed and stream not in self._streams):
                raise PoolClosed("The pool takes no more tasks: it was closed.")
            self._open.update(batches)  # C2
            for batch in batches:
                heapq.heappush(self._waiting, (-batch.options.priority, batch.number, batch))
        self._submit_next()

    def _submit_next(self) -> None:
        """As many as may be with Dask; of one that cannot be its job is told."""
        while True:
            with self._changed:
                if not self._waiting or (self.size is not None and self._under_way >= self.size):
                    return
                batch = heapq.heappop(self._waiting)[2]
                if batch.cancelled is not None:
                    continue
                self._under_way += 1
            try:
                self._submit(batch)
            except Exception as error:
                with self._changed:
                    self._under_way -= 1
                lost = self.link.is_lost and not isinstance(error, InterlockError)
                self._tell_later(batch, lost_scheduler(error) if lost else error)

    def _submit(self, batch: Batch) -> None:
        options, (data, futures) = batch.options, batch.items
        batch.key = self.key_for(batch.function.name)
        retry_on = whole_by_value(options.retry_on) if options.retries else None
        calls = Calls(
            batch.key, batch.function.data, batch.kind, data, self.initializer, options.timeout,
            retry_on,
        )  # fmt: skip
        client = self.link.client
        self._watch()
        batch.future = client.submit(
            run, calls, *futures, key=batch.key, pure=False, retries=options.retries,
            priority=options.priority, resources=options.resources,
        )  # fmt: skip
        self.link.begin(self._settle(batch))
        if batch.cancelled is not None:  # meanwhile
            with suppress(OSError):  # then it ends by that
                client.cancel([batch.future], force=True)

    # ---- out ---------------------------------------------------------------------

    async def _settle(self, batch: Batch) -> None:
        """In the client's event loop."""
        answer: Any
        try:
            answer = await batch.future
        except Again as again:
            answer = again.outcomes
        except BaseException as error:  # of whatever kind, it is the batch's end (C1)
            answer = translated(error, batch.described, self.link.is_lost)
            if answer is not error and answer.__cause__ is None:
                answer.__cause__ = error
        with self._changed:
            self._under_way -= 1
        self._tell_later(batch, answer)

    def _tell_later(self, batch: Batch, answer: bytes | BaseException) -> None:
        with suppress(RuntimeError):  # the interpreter ends, and nobody waits any more
            self._answers.submit(self._tell, batch, answer)

    def _tell(self, batch: Batch, answer: bytes | BaseException) -> None:
        """In the thread for answers."""
        with self._changed:
            if batch.is_told:
                return
            batch.is_told = True  # C1
        outcomes: Outcomes | BaseException
        if batch.cancelled is not None:
            outcomes = batch.cancelled
        elif isinstance(answer, BaseException):
            outcomes = answer
        else:
            try:
                outcomes = unpack(answer, self.link)
            except BaseException as error:  # of the result's own code
                outcomes = error
        batch.items, batch.future = (b"", []), None
        try:
            batch.job.tell(batch, outcomes)
        finally:
            with self._changed:
                self._open.discard(batch)  # C2
                self._changed.notify_all()
            self._submit_next()

    # ---- no workers --------------------------------------------------------------

    def _watch(self) -> None:
        with self._changed:
            if self._is_watched:
                return
            self._is_watched = True
        self.link.begin(self._look_for_workers())

    async def _look_for_workers(self) -> None:
        """As long as something is open; a task for which there is nobody must not wait for ever."""
        loop = asyncio.get_running_loop()
        since: dict[Batch, float] = {}
        while True:
            await asyncio.sleep(WATCH_S)
            with self._changed:
                begun = [batch for batch in self._open if batch.future is not None]
                if not self._open:
                    self._is_watched = False
                    return
            try:
                infos = self.link.client.scheduler_info(n_workers=-1)["workers"].values()
            except InterlockError as error:
                for batch in begun:
                    self._tell_later(batch, error)
                continue
            lonely = [batch for batch in begun if not _has_worker(batch, infos)]
            since = {batch: since.get(batch, loop.time()) for batch in lonely}
            for batch, began in since.items():
                if loop.time() - began >= self.patience:
                    batch.cancelled = no_workers(
                        batch.described, self.patience, batch.options.resources
                    )
                    await self.link.client.cancel([batch.future], force=True)

    # ---- the end -----------------------------------------------------------------

    def cancel(self, batches: Sequence[Batch], running: bool, error: BaseException) -> bool:
        """Let those not begin that have not begun; running: and interrupt those that have.

        Returns:
            Whether any was open.
        """
        with self._changed:
            mine = [
                batch
                for batch in batches
                if batch in self._open and batch.cancelled is None and not batch.is_told
            ]
            for batch in mine:
                batch.cancelled = error
        begun = [batch for batch in mine if batch.future is not None]
        for batch in mine:
            if batch.future is None:
                self._tell_later(batch, error)
        if begun:
            with suppress(InterlockError, OSError):  # then they end by that
                if running:
                    self.link.begin(self._interrupt([batch.key for batch in begun]))
                futures = [batch.future for batch in begun]  # None: it has just ended
                self.link.client.cancel([each for each in futures if each is not None], force=True)
        return bool(mine)

    async def _interrupt(self, keys: list[Any]) -> None:
        """On whatever workers they run."""
        run: Any = self.link.client.run(interrupt, keys, Cancelled, on_error="ignore")
        await run

    def close(self) -> None:
        """Take no more."""
        with self._changed:
            self.is_closed = True
            streams = list(self._streams)
            self._changed.notify_all()
        for stream in streams:
            stream.input_closes()

    def terminate(self) -> None:
        """End all, those that run by an exception in their code."""
        with self._changed:
            self.is_closed = self.is_terminated = True
            batches, streams = list(self._open), list(self._streams)
        for stream in streams:
            stream.close()
        self.cancel(batches, True, PoolTerminated("The pool was terminated."))

    def cancel_waiting(self) -> None:
        """Cancel what no worker has."""
        with self._changed:
            batches = list(self._open)
        error = TaskCancelled("The executor was shut down.")
        self.cancel([batch for batch in batches if batch.future is None], False, error)
        begun = [batch for batch in batches if batch.future is not None]
        with suppress(InterlockError):  # then they end by that
            while begun:
                idle, unknown = self.link.idle([batch.key for batch in begun])
                self.cancel([batch for batch in begun if batch.key in idle], False, error)
                with self._changed:  # what the scheduler does not know is on its way, or is done
                    begun = [each for each in begun if each.key in unknown and not each.is_told]
                    if begun:
                        self._changed.wait(KNOWN_S)

    def join(self) -> None:
        """Wait until all are told.

        Raises:
            KeyboardInterrupt: Ctrl-C; the tasks go on.

        If a process dies: see the head of this module.
        """
        with self._changed:
            self._changed.wait_for(lambda: not self._open and not self._streams)


def _has_worker(batch: Batch, infos: Any) -> bool:
    wanted = batch.options.resources or {}
    return any(
        all(each.get("resources", {}).get(name, 0) >= number for name, number in wanted.items())
        for each in infos
    )
