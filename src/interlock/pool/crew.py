"""What every kind of process pool is made of: an engine, its supervisor, and how workers start."""

from __future__ import annotations

import itertools
import os
import signal
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing import resource_tracker
from types import BuiltinFunctionType, FunctionType
from typing import Any

from interlock._handover import noted, revoke
from interlock.pool.delegated import Groups
from interlock.pool.engine import CLOSED, RUNNING, TERMINATED, Engine
from interlock.pool.faults import PoolClosed
from interlock.pool.jobs import Function
from interlock.pool.limits import whole_number
from interlock.pool.member import Member
from interlock.pool.outlets import Turns, levels
from interlock.pool.status import Status
from interlock.pool.supervision import Supervisor
from interlock.pool.warm import make_warm, note, prepare
from interlock.pool.worker import Start, serve
from interlock.process.interrupts import interrupted_later
from interlock.process.lifeline import lifeline
from interlock.process.zygote import Gone
from interlock.queues import Queue
from interlock.serialize.functions import pack_function

__all__ = ["Crew", "Functions", "feed"]

TASK_BYTES_MAX = 1 << 40  # of one worker's queue; memory is taken when it is used
_NAMED = (FunctionType, BuiltinFunctionType, type)


class Functions:
    """The functions that a pool was given; one that is given again keeps its number.

    It is known as long as the function is there, or a job has it. One of a module is known for
    ever, and by itself; any other by its bytes, as it may have changed.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()  # what is freed with it may come back
        self._known: weakref.WeakKeyDictionary[Any, Function] = weakref.WeakKeyDictionary()
        self._last: tuple[Any, Function | None] = None, None
        self._kept: dict[int, tuple[Any, Function]] = {}  # by id: some cannot be hashed
        self._by_data: weakref.WeakValueDictionary[bytes, Function] = weakref.WeakValueDictionary()
        self.ended: Callable[[int, list[bytes]], None] | None = None  # told of each that is gone

    def known(self, call: Callable[..., Any]) -> Function:
        """The function as workers get to know it.

        Raises:
            SerializationError: It cannot be sent.
            TypeError: It cannot be called.
        """
        last, found = self._last
        if found is not None and last is call:
            return found
        if not callable(call):
            raise TypeError(f"{call!r} is no function; give something that can be called")
        has_name = isinstance(call, _NAMED)
        if has_name:
            with self._lock:
                found = self._known.get(call)
            if found is not None:
                self._last = call, found
                return found
        with noted() as tickets:
            data = pack_function(call)
        note(data)
        with self._lock:
            found = self._by_data.get(data)
            if found is None or found.is_gone:
                found = Function(call, data, self.ended)
                found.tickets = tickets
                self._by_data[data] = found
            else:
                found.adopt(call)  # who gave it first may let go of his
            if has_name and _is_found(call):
                self._known[call] = found
            else:
                self._keep(call, found)
            return found

    def _keep(self, call: Callable[..., Any], function: Function) -> None:
        """With the lock: as long as somebody has the call."""
        place, kept = id(call), self._kept

        def forget(ref: object) -> None:
            if place in kept and kept[place][0] is ref:
                del kept[place]

        with suppress(TypeError):  # it cannot be referred to weakly
            self._kept[place] = weakref.ref(call, forget), function


def _is_found(call: Callable[..., Any]) -> bool:
    """Whether it travels by its name; one by value has what its globals are at the moment."""
    module = sys.modules.get(getattr(call, "__module__", None) or "")
    return getattr(module, call.__qualname__, None) is call


def _teller(whose: Callable[[], Crew | None]) -> Callable[[int, list[bytes]], None]:
    def tell(number: int, tickets: list[bytes]) -> None:
        crew = whose()
        if crew is None:
            revoke(tickets)
        else:
            crew._function_ended(number, tickets)

    return tell


def feed(engine: Any, job: Any) -> None:
    """Let a thread read the input of a job.

    Who is interrupted (Ctrl-C) does not get the iterator; the pool's end must not wait for a thread
    that was not started, or stands still at its start.

    Args:
        engine: Of a pool.
        job: Of it.

    Raises:
        PoolClosed: The pool takes no more.
    """
    try:
        with engine.lock:
            engine.check_open()
            engine.feeders.add(job)
        threading.Thread(target=job.feed, name="interlock-pool-input", daemon=True).start()
    except BaseException:
        engine.feeders.discard(job)
        job.close()
        raise


class Crew:
    """An engine with workers.

    Args:
        context: Makes the processes; None for the default context.
        size: How many.
        initializer: Called first in each, with initargs.
        initargs: Its arguments.
        quota: Batches after which a worker is replaced.
        memory_limit: Bytes for each worker beside what it begins with.
        threads: For BLAS and OpenMP in each.
        lazy: Whether workers are started when there is work.
        idle_timeout: Seconds after which one without work ends.
        name: How its processes are named, with a number.
        functions: What it was given to run.
    """

    def __init__(
        self,
        context: Any,
        size: int,
        *,
        initializer: Callable[..., object] | None = None,
        initargs: Iterable[Any] = (),
        quota: int | None = None,
        memory_limit: int | None = None,
        threads: int | None = None,
        lazy: bool = False,
        idle_timeout: float | None = None,
        name: str = "PoolWorker",
        functions: Functions,
    ) -> None:
        if context is None:
            import multiprocessing

            context = multiprocessing.get_context()
        if not getattr(context, "_makes_processes", True):
            name = context.get_start_method()
            raise TypeError(
                f"The context {name!r} makes no processes for this pool. Use its own, which has "
                "the same methods: context.Pool() or context.ProcessPoolExecutor()."
            )
        if threads is not None:
            threads = whole_number("threads", threads)
        if idle_timeout is not None and not idle_timeout > 0:
            raise ValueError(f"idle_timeout is {idle_timeout!r}; give seconds above 0, or None")
        self.context = context
        self._initializer, self._initargs = initializer, tuple(initargs)
        note(getattr(initializer, "__module__", None) or "")
        self._memory_limit, self._threads = memory_limit, threads
        self._name = name
        self._owner = os.getpid()
        self._functions = functions
        functions.ended = _teller(weakref.ref(self))
        self._turns = Turns(ctx=self.context)
        self._numbers = itertools.count(1)
        self._groups = Groups()
        self.engine = Engine(self._queue(), quota)
        self.supervisor = Supervisor(
            self.engine, self._started, size, lazy=lazy, idle_timeout=idle_timeout,
            at_end=self._groups.close,
        )  # fmt: skip
        self.engine.supervisor = self.supervisor

    def _queue(self) -> Queue[Any]:
        return Queue(ctx=self.context, writable=True)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Start the workers and the threads; the block says how they are ended.

        Ctrl-C waits until that is known: it would leave workers that nobody ends, and for which
        the interpreter waits at its end.

        Raises:
            OSError: The system starts no process.
            KeyboardInterrupt: Ctrl-C; the workers have been ended.

        If a process dies: it is replaced.
        """
        try:
            if not self.supervisor.lazy:
                prepare(self.context)  # its imports may take long, and Ctrl-C is to end them
            with interrupted_later():
                self._start()
                yield
        except BaseException:
            if self.supervisor.thread.ident is not None:
                self.terminate()
            raise

    def _start(self) -> None:
        try:
            self.supervisor.start_missing()
        except BaseException:
            for member in self.engine.members.values():
                member.process.terminate()
                member.signal(signal.SIGKILL)  # whatever it makes of the first
                member.process.join()
                member.close()
            raise
        self.engine.start()
        self.supervisor.thread.start()

    def _started(self) -> Member:
        while True:
            number = next(self._numbers)
            tasks, status = self._queue(), Status()
            member = Member(number, tasks, status, self._groups)
            try:
                member.started(self._process(member))
            except Gone:  # there may be a worker that has this queue: it shall end
                member.stop()
                member.flush()
                member.close()
            except BaseException:
                member.close()
                raise
            else:
                return member

    def _process(self, member: Member) -> Any:
        """A process that has begun to work."""
        group = None if self._memory_limit is None else member.make_group(None)
        start = Start(
            member.number, member.tasks, self.engine.results, member.status, lifeline(),
            self._initializer, self._initargs, self._memory_limit, group, self._threads,
            self.supervisor.size, self._turns, levels(),
        )  # fmt: skip
        process = self.context.Process(target=serve, args=(start,))
        process.name = process.name.replace("Process", self._name)
        process.daemon = False
        make_warm(process, self.context)
        with self._no_interrupt():
            process.start()
        return process

    @contextmanager
    def _no_interrupt(self) -> Iterator[None]:
        """A worker that begins inherits that Ctrl-C waits; it lets it in when it can be quiet.

        A server is left alone: what others start by it would inherit the same.
        """
        method = self.context.get_start_method()
        if method == "forkserver":
            yield
            return
        if method == "spawn":  # it would start its tracker, and let Ctrl-C in when it has
            resource_tracker.ensure_running()
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            yield
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def is_here(self) -> bool:
        """Whether this process has it; a forked one has a copy without threads."""
        return os.getpid() == self._owner

    def check_open(self) -> None:
        """Raise what a caller gets for a task now, if it gets an error.

        Raises:
            PoolClosed: It takes no more tasks, or belongs to the process that this one was
                forked from.
        """
        if not self.is_here():
            raise PoolClosed(
                f"This pool belongs to process {self._owner}, from which this one "
                f"({os.getpid()}) was forked. Make a pool here."
            )
        self.engine.check_open()

    def feed(self, job: Any) -> None:
        """As `feed` of this module."""
        feed(self.engine, job)

    def _function_ended(self, number: int, tickets: list[bytes]) -> None:
        """No job has it any more; told by the garbage collector, as `abandon` is."""
        if self.is_here():
            self.supervisor.todo.append(lambda: self.engine.forget_function(number, tickets))
            self.supervisor.wake()

    def close(self) -> None:
        """Take no more tasks; in the process that has the workers."""
        if not self.is_here():
            return
        with self.engine.lock:
            if self.engine.state == RUNNING:
                self.engine.state = CLOSED
            feeders = list(self.engine.feeders)
        for job in feeders:
            job.input_closes()
        self.supervisor.wake()

    def abandon(self, at_once: bool = False) -> None:
        """Nobody has the pool any more: it ends by itself, after its tasks or at once.

        It takes no lock and waits for nothing: the garbage collector calls it, in any thread.
        """
        if self.is_here():
            self.supervisor.todo.append(self._end_now if at_once else self.close)
            self.supervisor.wake()

    def _end_now(self) -> None:
        engine = self.engine
        with engine.lock:
            engine.state = TERMINATED
        self.supervisor.wake()
        engine.drop(engine.terminated())

    def terminate(self) -> None:
        """End the workers now; in the process that has them."""
        if not self.is_here():
            return
        self._end_now()
        engine = self.engine
        if threading.current_thread() not in (self.supervisor.thread, engine._collector):
            self.join()

    def join(self) -> None:
        """Wait for the end of workers and threads.

        Raises:
            RuntimeError: It is called by a callback of the pool.

        If a process dies: it is replaced while there is work.
        """
        if self.is_here():
            self.engine.join()
