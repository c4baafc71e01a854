"""Telling jobs what became of their tasks (E4 of `engine.py`)."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from interlock.errors import InterlockError, QueueClosed
from interlock.pool.messages import NOBODY
from interlock.serialize.encoding import loads
from interlock.serialize.exceptions import unpack_exception

if TYPE_CHECKING:
    from interlock.pool.jobs import Job

__all__ = ["Settling"]

_log = logging.getLogger("interlock")


class Settling:
    """The part of the engine that tells; what is told runs other people's code."""

    if TYPE_CHECKING:
        lock: Any
        state: str
        results: Any
        supervisor: Any
        remote_traceback: Any
        _collector: threading.Thread
        _settled: list[tuple[Any, ...]]
        _trash: list[Any]

    _is_telling = False
    _is_for_others = False  # something was not found by the collector, perhaps

    def settle_later(
        self, job: Job, index: int, error: BaseException | None, packed: bytes | None = None
    ) -> None:
        """With the lock: the job is told of a failure when it is released (E4).

        An exception's bytes are read then, for that runs its own code; it is the failure, or its
        cause where there is one.
        """
        self._settled.append((job, index, error, packed))
        self._is_for_others = True

    def _settle(self) -> None:
        """Have the jobs told (E4), and let go what was done with: who is freed may call the pool.

        One thread tells all: what a task has logged comes before its result, and a callback never
        runs in a caller of the pool, who may hold the very lock that the callback takes.
        """
        if self._trash:
            with self.lock:
                trash, self._trash = self._trash, []
            trash.clear()
        if not self._settled:
            return
        if threading.current_thread() is not self._collector and self._collector.is_alive():
            if not self._is_for_others:  # what the collector has found it is just about to tell
                return
            self._is_for_others = False
            with suppress(QueueClosed):  # it is just ending
                self.results.put((NOBODY,))
                return
        if not self._is_telling:  # else a callback has called the pool: its turn comes
            self._is_telling = True
            try:
                while self._settled:
                    self._tell_all()
            finally:
                self._is_telling = False
            if self.state != "RUN":
                self.supervisor.wake()

    def _tell_all(self) -> None:
        with self.lock:
            settled, self._settled = self._settled, []
        for each in settled:
            try:
                self._tell(*each)
            except BaseException:  # somebody's callback: this thread has others to tell
                with suppress(Exception):  # a handler of theirs raises, too
                    _log.exception("A callback of a pool raised; the pool goes on.")

    def _tell(self, job: Any, index: int, *what: Any) -> None:
        if len(what) == 1:
            job.succeed(index, what[0])
        elif len(what) == 3:
            self._decoded(job, index, *what)
        else:
            error, packed = what
            if packed is not None:
                raised = unpack_exception(packed, self.remote_traceback)
                if error is None:
                    error = raised
                else:
                    error.__cause__ = raised
            job.fail(index, error)

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
