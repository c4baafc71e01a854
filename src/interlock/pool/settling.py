"""Telling jobs what became of their tasks (E4 of `engine.py`)."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from interlock.errors import InterlockError
from interlock.serialize.encoding import loads

if TYPE_CHECKING:
    from interlock.pool.jobs import Job

__all__ = ["Settling"]

_log = logging.getLogger("interlock")


class Settling:
    """The part of the engine that tells; what is told runs other people's code."""

    if TYPE_CHECKING:
        lock: Any
        state: str
        supervisor: Any
        _settled: list[tuple[Any, ...]]
        _trash: list[Any]

    def settle_later(self, job: Job, index: int, error: BaseException) -> None:
        """With the lock: the job is told of a failure when it is released (E4)."""
        self._settled.append((job, index, error, None))

    def _settle(self) -> None:
        """Tell the jobs (E4), and let go what was done with: who is freed may call the pool."""
        if not self._settled and not self._trash:
            return
        with self.lock:
            settled, self._settled = self._settled, []
            trash, self._trash = self._trash, []
        trash.clear()
        for each in settled:
            try:
                self._tell(*each)
            except BaseException:  # somebody's callback: this thread has others to tell
                _log.exception("A callback of a pool raised; the pool goes on.")
        settled.clear()
        if self.state != "RUN":
            self.supervisor.wake()

    def _tell(self, job: Any, index: int, *what: Any) -> None:
        if len(what) == 1:
            job.succeed(index, what[0])
        elif len(what) == 3:
            self._decoded(job, index, *what)
        else:
            error = what[0]
            job.fail(index, error() if callable(error) else error)

    def _decoded(self, job: Job, index: int, data: bytes, buffers: list[Any], many: int) -> None:
        try:
            value = loads(data, trust="process", buffers=buffers, writable=True)
        except BaseException as error:
            if not isinstance(error, InterlockError):
                error.add_note(f"The result of task {job.described(index)} could not be read.")
            for place in range(many or 1):
                job.fail(index + place, error)
            return
        if many:
            job.succeed_many(index, value)
        else:
            job.succeed(index, value)
