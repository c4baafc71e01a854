"""What a pool is asked to do: a job is one or many tasks of one function.

A job gives out its tasks in pieces and is told of each once: `succeed` or `fail`. The pool
(`engine.py`) knows nothing of results, futures or iterators; those are jobs of their own kind.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypedDict

from interlock.pool.messages import CALL, Encoded
from interlock.pool.progress import Progress
from interlock.serialize.functions import pack_function

__all__ = ["Batch", "Function", "Job", "Options", "Piece", "TaskOptions"]

_SINGLE_USE = b"interlock._handover"  # in a pickle: descriptors under way
_numbers = itertools.count(1)


class TaskOptions(TypedDict, total=False):
    """The keywords of `Options`, for those that pass them on."""

    timeout: float | None
    retries: int
    retry_on: type[BaseException] | tuple[type[BaseException], ...]
    backoff: float
    memory_limit: int | None
    priority: int


@dataclass(frozen=True)
class Options:
    """How a task is to be run.

    Attributes:
        timeout: Seconds that it may run; None for any time.
        retries: How often it is tried again after a crash, a timeout, or what retry_on names.
        retry_on: Exceptions after which it is tried again.
        backoff: Seconds before the first retry; each further one waits twice as long.
        memory_limit: Bytes that its worker may have; None for any.
        priority: Tasks of a higher one go first.
    """

    timeout: float | None = None
    retries: int = 0
    retry_on: type[BaseException] | tuple[type[BaseException], ...] = ()
    backoff: float = 0.0
    memory_limit: int | None = None
    priority: int = 0

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            raise ValueError(f"timeout is {self.timeout!r}; give seconds above 0, or None")
        if not _is_whole(self.retries) or self.retries < 0:
            raise ValueError(f"retries is {self.retries!r}; give a whole number, 0 for none")
        if not self.backoff >= 0:
            raise ValueError(f"backoff is {self.backoff!r}; give seconds, 0 for none")
        if self.memory_limit is not None and not self.memory_limit > 0:
            raise ValueError(f"memory_limit is {self.memory_limit!r}; give bytes above 0, or None")
        if not _is_whole(self.priority):
            raise ValueError(f"priority is {self.priority!r}; give a whole number")
        kinds = self.retry_on if isinstance(self.retry_on, tuple) else (self.retry_on,)
        if not all(map(_is_exception, kinds)):
            raise ValueError(f"retry_on is {self.retry_on!r}; give classes of exceptions")
        object.__setattr__(self, "retry_on", kinds)

    def with_(self, **changes: Any) -> Options:
        """The same with other values; raises what the constructor raises."""
        return replace(self, **changes) if changes else self


def _is_whole(value: Any) -> bool:
    return isinstance(value, int)


def _is_exception(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseException)


class Function:
    """A function that tasks call, as the pool's workers get to know it.

    It does not keep the function; jobs do.

    Attributes:
        number: By which messages name it.
        data: Its bytes.
        tickets: For the descriptors in them, until a worker gets them.
        cost_s: About how long a call takes, in seconds; None as long as it is not known.
        is_kept: Whether a worker has it.
        ended: Is told the number and the tickets when nobody has the function any more.
    """

    __slots__ = (
        "__weakref__", "_calls", "_is_given", "cost_s", "data", "ended", "is_kept", "name",
        "number", "tickets",
    )  # fmt: skip

    def __init__(
        self,
        call: Callable[..., Any],
        data: bytes,
        ended: Callable[[int, list[bytes]], None] | None = None,
    ) -> None:
        self.number = next(_numbers)
        self._calls: dict[int, Callable[[], Any]] = {}
        self.adopt(call)
        self.data = data
        self.tickets: list[bytes] = []
        self.name: str = getattr(call, "__qualname__", None) or type(call).__name__
        self.cost_s: float | None = None
        self._is_given = False
        self.is_kept = False
        self.ended = ended

    @property
    def call(self) -> Callable[..., Any]:
        """The function itself.

        Raises:
            ReferenceError: Nobody has it any more.
        """
        for one in list(self._calls.values()):
            call: Callable[..., Any] | None = one()
            if call is not None:
                return call
        raise ReferenceError(f"The function {self.name} is gone.")

    def adopt(self, call: Callable[..., Any]) -> None:
        """Take another one with the same bytes for it: it is there as long as one of them is."""
        place, calls = id(call), self._calls

        def forget(ref: object) -> None:
            if calls.get(place) is ref:
                del calls[place]

        try:
            calls[place] = weakref.ref(call, forget)
        except TypeError:  # a method of a str, or with slots
            calls.setdefault(0, lambda: call)

    @property
    def is_gone(self) -> bool:
        """Whether nobody has the function any more."""
        return all(one() is None for one in list(self._calls.values()))

    def __del__(self) -> None:
        if self.ended is not None and (self.is_kept or self.tickets):
            self.ended(self.number, self.tickets)

    @property
    def is_single_use(self) -> bool:
        """Whether its bytes hold descriptors, which only one process can redeem."""
        return _SINGLE_USE in self.data

    def data_for_a_worker(self) -> bytes:
        """Its bytes; anew where they are for a single use."""
        if self.is_single_use:
            if self._is_given:
                self.data = pack_function(self.call)
            self._is_given = True
        return self.data

    def renew(self) -> None:
        """Its bytes are others now; workers that know the old ones get the new."""
        self.number = next(_numbers)


class Job:
    """Some tasks of one function.

    Attributes:
        function: What they call.
        kind: How: CALL, MAP or STARMAP.
        options: How they are run.
        batch: Tasks that go to a worker together at the least; None for one.
        attempts: Of the tasks that were tried more than once, how often.
        is_over: Whether nobody waits for what is not begun.
        progress: Is told how many are done; None where nobody looks.
    """

    kind: int = CALL
    batch: int | None = None
    is_over = False
    progress: Progress | None = None

    def __init__(self, function: Function, options: Options) -> None:
        self.function = function
        self._call = function.call
        self.options = options
        self.attempts: dict[int, int] = {}

    def take(self, number: int) -> Sequence[Any]:
        """The next tasks, at most so many; none if there are none now."""
        raise NotImplementedError

    def left(self) -> int:
        """How many tasks could be taken now, about."""
        raise NotImplementedError

    def next_index(self) -> int:
        """The index of the first task that `take` will give."""
        raise NotImplementedError

    def sealed(self) -> Encoded | None:
        """Its only task as bytes, once, if they were made when it was given."""
        return None

    def starts(self, index: int) -> bool:
        """A task is given to a worker; False if nobody wants it any more."""
        return True

    def succeed(self, index: int, value: Any) -> None:
        """A task has returned."""
        raise NotImplementedError

    def succeed_many(self, index: int, values: list[Any]) -> None:
        """Tasks in a row have returned."""
        for place, value in enumerate(values):
            self.succeed(index + place, value)

    def fail(self, index: int, error: BaseException) -> None:
        """A task has not, and will not be tried again."""
        raise NotImplementedError

    def abandon(self, error: BaseException) -> None:
        """Nothing of it will be done any more; those that are not told of yet fail."""
        raise NotImplementedError

    def cancel(self, running: bool) -> None:
        """Nobody wants it any more; with ``running`` not even what runs."""
        raise NotImplementedError

    def input_closes(self) -> None:
        """The pool takes no more tasks; a lazy input that nobody asks for must come to its end."""

    def described(self, index: int) -> str:
        """A task in words."""
        return f"{index} `{self.function.name}`"


class Piece:
    """Tasks of a job that were given out, and came back undone."""

    __slots__ = ("first", "items", "job", "single")

    def __init__(self, job: Job, first: int, items: Sequence[Any], single: bool = False) -> None:
        self.job = job
        self.first = first
        self.items = items
        self.single = single


class Batch:
    """Tasks that are with a worker.

    Attributes:
        number: The batch's; its tickets begin with it.
        first: The index of its first task in the job.
        done: How many of its tasks the pool has an answer for, from the first on.
        size: How many it has; less than items where some were taken back.
        is_sent: Whether its message is on its way.
        tickets: For the descriptors in its message.
    """

    __slots__ = ("done", "first", "is_sent", "items", "job", "member", "number", "size", "tickets")

    def __init__(self, job: Job, first: int, items: Sequence[Any], number: int, member: Any):
        self.job = job
        self.first = first
        self.items = items
        self.number = number
        self.member = member
        self.done = 0
        self.size = len(items)
        self.is_sent = False
        self.tickets: list[bytes] = []
