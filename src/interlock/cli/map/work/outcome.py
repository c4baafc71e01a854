"""What became of one input, and its line in the results file.

A line is a JSON object with these members, in this order:

    input     the input, as given
    result    what the function returned; absent if it failed
    error     {"type", "message", "traceback"}; absent if it did not fail; of a program
              also {"status", "stderr"}, and no traceback
    seconds   how long the function ran; null if its worker died
    worker    the pid of the worker that ran it (last)
    attempts  how often it was started: 1, or more if it was tried again
"""

from __future__ import annotations

import json
import os
import resource
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from interlock.cli.map.totals import Measure, measures
from interlock.cli.map.work.program import CommandFailed
from interlock.pool.watch import Ended

__all__ = ["Outcome", "attempt", "died", "to_json"]

RESULT_MAX = 64 << 20  # characters of a result's JSON: a message of the pool must hold it
OWN_FOLDER = os.path.dirname(__file__)
TEXT_MAX = 100_000  # characters of an error's message or traceback that are kept
TUPLE = tuple[int, int, int, float | None, float, str, str | None, list[Measure]]


@dataclass(frozen=True)
class Outcome:
    """What became of one input.

    Attributes:
        index: Which input, by its number.
        attempts: How often it was started.
        worker: The pid of the worker.
        seconds: Wall-clock time in the function; None if the worker died.
        cpu_s: CPU time of the worker, all its threads and the programs it ran, in the function.
        body: The result, or the error's members, as JSON.
        failure: The error in one line; None if there was none.
        measures: The numbers in the result that can be totalled.
    """

    index: int
    attempts: int
    worker: int
    seconds: float | None
    cpu_s: float
    body: str
    failure: str | None
    measures: list[Measure]

    def as_tuple(self) -> TUPLE:
        """The same as plain types, which the queue carries without pickle."""
        return (
            self.index,
            self.attempts,
            self.worker,
            self.seconds,
            self.cpu_s,
            self.body,
            self.failure,
            self.measures,
        )

    def line(self, given: object) -> bytes:
        """The line for the results file; the result is not encoded again."""
        kind = "result" if self.failure is None else "error"
        seconds = "null" if self.seconds is None else f"{self.seconds:.6f}"
        return (
            f'{{"input": {to_json(given)}, "{kind}": {self.body}, "seconds": {seconds}, '
            f'"worker": {self.worker}, "attempts": {self.attempts}}}\n'
        ).encode()


def attempt(
    function: Callable[[Any], object], index: int, given: object, attempts: int, worker: int
) -> Outcome:
    """Run the function on one input; whatever it raises is in the outcome.

    But for what the pool raises in it to end it: that goes on to the pool.
    """
    started, cpu = time.perf_counter(), cpu_time()
    failure, found = None, []
    try:
        result = function(given)
        took, cpu_s = time.perf_counter() - started, cpu_time() - cpu
        body = _bounded(to_json(result))
        found = measures(result)
    except Ended:
        raise
    # SystemExit too: a function that calls sys.exit() ends its input, not its worker.
    except BaseException as error:
        took, cpu_s = time.perf_counter() - started, cpu_time() - cpu
        failure, body = _described(error)
    return Outcome(index, attempts, worker, took, cpu_s, body, failure, found)


def cpu_time() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    programs = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + programs.ru_utime + programs.ru_stime


def died(
    index: int,
    attempts: int,
    worker: int,
    kind: str,
    message: str,
    stack: str | None = None,
    seconds: float | None = None,
) -> Outcome:
    """The outcome of an input whose last attempt was ended from outside the function."""
    body = to_json({"type": kind, "message": message, "traceback": stack and _cut(stack)})
    return Outcome(index, attempts, worker, seconds, 0.0, body, message, [])


def _bounded(body: str) -> str:
    if len(body) > RESULT_MAX:
        raise ValueError(
            f"the result is {len(body) >> 20} MiB of JSON, more than {RESULT_MAX >> 20}; write it "
            "into a file in the function, and return the file's name"
        )
    return body


def to_json(value: object) -> str:
    """A value as JSON, readable in any language, on one line.

    Raises:
        TypeError: The value, or something in it, has no JSON form; its place is
            named. (Not its `repr` instead: nothing could read that back.)
    """
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise TypeError(_why_not_json(value, error)) from None
    # A file name that is not UTF-8 has lone surrogates, which only \u can write.
    return text if _encodable(text) else json.dumps(value)


def _encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _why_not_json(value: object, error: Exception) -> str:
    if isinstance(error, RecursionError) or "Circular" in str(error):
        return "the result cannot be written as JSON: it contains itself, or is nested too deep"
    place, guilty = _guilty(value, "result")
    return (
        f"the result cannot be written as JSON: {place} is {guilty!r:.80} of type "
        f"{type(guilty).__name__}; return strings, finite numbers, booleans, None, "
        "lists and dicts with string keys"
    )


def _guilty(value: object, place: str) -> tuple[str, object]:
    """Follow the value down to the smallest part that has no JSON form."""
    inner: list[tuple[str, object]] = []
    if isinstance(value, dict):
        for key in value:
            if not isinstance(key, (str, int, float, bool, type(None))):
                return f"a key of {place}", key
        inner = [(f"{place}[{key!r}]", part) for key, part in value.items()]
    elif isinstance(value, (list, tuple)):
        inner = [(f"{place}[{number}]", part) for number, part in enumerate(value)]
    for name, part in inner:
        try:
            json.dumps(part, allow_nan=False)
        except (TypeError, ValueError):
            return _guilty(part, name)
    return place, value


def _described(error: BaseException) -> tuple[str, str]:
    """An exception in one line, and its members as JSON."""
    # Our own frames are the outermost; the reader wants the function's.
    inner = error.__traceback__
    while inner is not None and inner.tb_frame.f_code.co_filename.startswith(OWN_FOLDER):
        inner = inner.tb_next
    told = traceback.TracebackException(type(error), error, inner)
    kind = type(error).__qualname__
    message = _cut(str(told))
    body: dict[str, object] = {"type": kind, "message": message}
    if isinstance(error, CommandFailed):  # where in our code it was raised tells nothing
        body |= {"traceback": None, "status": error.status, "stderr": error.stderr}
    else:
        body["traceback"] = _cut("".join(told.format()))
    first = message.strip().split("\n")[0]
    return f"{kind}: {first}" if first else kind, to_json(body)


def _cut(text: str) -> str:
    if len(text) <= TEXT_MAX:
        return text
    return f"{text[: TEXT_MAX // 2]}\n[... cut ...]\n{text[-TEXT_MAX // 2 :]}"
