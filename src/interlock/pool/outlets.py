"""What a worker says besides results: log records, and lines on its standard output.

Records go to the pool's process with the results, and arrive there before the result of the task
that made them. They are given to the loggers of the same names: their levels, filters and
handlers decide. A worker that sets up handlers of its own, in the initializer, keeps these instead.

Lines on standard output and standard error are written each as a whole, one worker at a time.
"""

from __future__ import annotations

import io
import logging
import os
import select
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TextIO

from interlock.serialize.encoding import dumps, loads
from interlock.synchronize import Lock

__all__ = ["LogSink", "Turns", "flush", "forward_records", "levels", "whole_lines"]

_OTHERS = "multiprocessing"  # whose logger people send to standard error of the process


class Turns(Lock):
    """Whose turn it is to write; one who died while writing has left a torn line, and no more."""

    def _abandoned_found(self) -> None:
        """Nothing to tell."""


def levels() -> dict[str, int]:
    """The levels of this process's loggers that have one; "" is the root's."""
    found = {"": logging.getLogger().level}
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.level != logging.NOTSET:
            found[name] = logger.level
    return found


def forward_records(send: Callable[[bytes], object], chosen: dict[str, int]) -> None:
    """In a worker: send log records to the pool's process, whose levels these are."""
    handler = _Forwarding(send)
    for name, logger in list(logging.Logger.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.handlers and name != _OTHERS:
            logger.handlers = [] if logger.propagate else [handler]  # a forked worker has them
    logging.getLogger().handlers = [handler]
    for name, level in chosen.items():
        logging.getLogger(name or None).setLevel(level)


class _Forwarding(logging.Handler):
    def __init__(self, send: Callable[[bytes], object]) -> None:
        super().__init__()
        self._send = send

    def emit(self, record: logging.LogRecord) -> None:
        if len(logging.getLogger().handlers) > 1:
            return  # the worker has set up its own
        try:
            data = dumps(_sendable(record), trust="process")
        except Exception:  # a handler must not raise into the code that logs
            self.handleError(record)
            return
        self._send(data)


def _sendable(record: logging.LogRecord) -> dict[str, Any]:
    """Formatted, so that nothing of it but text and numbers must be sent; but for its extras."""
    state = record.__dict__ | {"msg": record.getMessage(), "args": None, "exc_info": None}
    if record.exc_info and not record.exc_text:
        state["exc_text"] = logging.Formatter().formatException(record.exc_info)
    for name, value in list(state.items()):
        if type(value) not in (str, int, float, bool, type(None)):
            try:
                dumps(value, trust="process")
            except Exception:  # an extra that cannot be sent is shown as text
                state[name] = repr(value)
    return state


class LogSink:
    """In the pool's process: gives records to its loggers."""

    is_over = False

    def succeed(self, index: int, data: bytes) -> None:
        """Take a record."""
        try:
            record = logging.makeLogRecord(loads(data, trust="process"))
        except Exception:  # an extra whose class cannot be had here
            logging.getLogger("interlock").warning("A log record of a worker could not be read.")
            return
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


class _Whole(io.RawIOBase):
    """A descriptor that is given whole lines, by one process at a time."""

    def __init__(self, fd: int, turns: Turns) -> None:
        self._fd = fd
        self._turns = turns
        self._rest = bytearray()
        self._mine = threading.RLock()

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._fd

    def isatty(self) -> bool:
        return os.isatty(self._fd)

    def write(self, data: Any) -> int:
        with self._mine:
            self._rest += data
            end = self._rest.rfind(b"\n") + 1
            if end:
                whole = bytes(self._rest[:end])
                del self._rest[:end]
                self._put(whole)
        return len(data)

    def flush(self) -> None:
        with self._mine:
            rest, self._rest = bytes(self._rest), bytearray()
            if rest:
                self._put(rest)

    def _put(self, data: bytes) -> None:
        with self._turns:
            view = memoryview(data)
            while view:
                try:
                    view = view[os.write(self._fd, view) :]
                except BlockingIOError:
                    select.select([], [self._fd], [])


class _Text(io.TextIOWrapper):
    """Text whose lines go out at once, and the rest at a flush."""

    def __init__(self, raw: _Whole, like: TextIO) -> None:
        self._raw = raw
        super().__init__(
            raw,  # type: ignore[arg-type]
            encoding=like.encoding,
            errors=like.errors,
            write_through=True,
        )


def flush() -> None:
    """Write what has no end of line yet."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, _Text):
            with suppress(ValueError):  # a task has closed it
                stream.flush()


def whole_lines(turns: Turns) -> None:
    """In a worker: let its lines not be torn; what the program put in their place is left alone."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None or stream is not getattr(sys, f"__{name}__"):
            continue
        with suppress(OSError, ValueError):  # closed, or without a descriptor
            fd = stream.fileno()
            stream.flush()
            setattr(sys, name, _Text(_Whole(fd, turns), stream))
