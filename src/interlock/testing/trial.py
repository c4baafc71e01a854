"""One trial of a contract: the objects it makes, and the threads and processes that use them.

Children report by pipes of the standard library, never by what is under test.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Any, Protocol

from interlock.testing.processes import wait_asleep

__all__ = ["ChildTask", "Starter", "Task", "ThreadTask", "Trial"]

REST_S = 0.9  # of a trial's time, the part after which a task in it is late


class Starter(Protocol):
    """What starts the processes of a trial: a context."""

    @property
    def Process(self) -> Any:
        """The class of its processes."""


class Task(Protocol):
    """A function that runs elsewhere."""

    def result(self) -> Any:
        """What it returned."""

    def wait_asleep(self) -> None:
        """Wait until it sleeps.

        Raises:
            AssertionError: It does not fall asleep in time.

        If a process dies: one of the trial's own is missed there.
        """


class Trial:
    """Makes subjects, and starts threads and processes; ends and closes them all at its own end."""

    def __init__(self, factory: Callable[..., Any], context: Starter, timeout_s: float) -> None:
        self.factory = factory
        self.context = context
        self.timeout_s = timeout_s
        self.ends = time.monotonic() + REST_S * timeout_s
        self._children: list[ChildTask] = []
        self._threads: list[ThreadTask] = []
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> Trial:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                for child in self._children:
                    child.result()
                for thread in self._threads:
                    thread.result()
        finally:
            self.give_up()

    def make(self, **options: Any) -> Any:
        """A new subject, which is closed at the end."""
        subject = self.factory(**options)
        for part in subject if isinstance(subject, tuple) else (subject,):
            self.keep(part)
        return subject

    def keep(self, part: Any) -> None:
        """Something else that is to be closed at the end, before what was made earlier."""
        self._closing.callback(_close, part)

    def thread(self, target: Callable[..., Any], *args: Any) -> ThreadTask:
        """Run a function in a thread."""
        task = ThreadTask(self, target, args)
        self._threads.append(task)
        return task

    def child(self, target: Callable[..., Any], *args: Any) -> ChildTask:
        """Run a function, which must be importable, in a process."""
        task = ChildTask(self, target, args)
        self._children.append(task)
        return task

    def doomed(self, target: Callable[..., Any], *args: Any) -> ChildTask:
        """Run a function, which must be importable, in a process that it ends by dying."""
        task = self.child(target, *args)
        task.expect_death()
        return task

    def forget(self, task: ThreadTask) -> None:
        """A thread whose end has been seen to, such as that it had to raise."""
        self._threads.remove(task)

    def pipe(self) -> tuple[Connection, Connection]:
        """A pipe of the standard library: reading end, writing end."""
        ends = multiprocessing.Pipe(duplex=False)
        for end in ends:
            self.keep(end)
        return ends

    def rest_s(self) -> float:
        """How much of its time is left, in seconds."""
        return max(0.0, self.ends - time.monotonic())

    def has_failures(self) -> bool:
        """Whether a child has failed or died by itself."""
        return any(child.has_failed() for child in self._children)

    def failures(self) -> list[str]:
        """What the children that failed have to say."""
        return [child.failure() for child in self._children if child.has_failed()]

    def give_up(self) -> None:
        """End the children, whatever they do, and close what was made."""
        for task in self._children:
            task.kill()
        self._closing.close()


class ThreadTask:
    """A function that runs in a thread."""

    def __init__(self, trial: Trial, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._trial = trial
        self._name = target.__name__
        self._outcome: list[tuple[bool, Any]] = []
        self._thread = threading.Thread(target=self._run, args=(target, args), daemon=True)
        self._thread.start()

    def _run(self, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
        try:
            self._outcome.append((True, target(*args)))
        except BaseException as error:
            self._outcome.append((False, error))

    def result(self) -> Any:
        """What the function returned.

        Raises:
            AssertionError: It did not return in time.
            BaseException: What it raised.
        """
        self._thread.join(self._trial.rest_s())
        if not self._outcome:
            raise AssertionError(f"A thread was still in {self._name}().")
        returned, value = self._outcome[0]
        if not returned:
            raise value
        return value

    def is_over(self) -> bool:
        """Whether the function has returned or raised."""
        return bool(self._outcome)

    def wait_asleep(self) -> None:
        """As `interlock.testing.wait_asleep`.

        Raises:
            AssertionError: The thread does not fall asleep in time.

        If a process dies: a thread of this one ends with it.
        """
        wait_asleep(self._thread, self._trial.rest_s())


class ChildTask:
    """A function that runs in a process."""

    def __init__(self, trial: Trial, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
        self._trial = trial
        self._name = target.__name__
        self._report, report = multiprocessing.Pipe(duplex=False)
        self._process = trial.context.Process(target=_reporting, args=(report, target, args))
        self._process.start()
        report.close()
        self._outcome: tuple[bool, Any] | None = None
        self._reading = threading.Lock()
        self._reaping = threading.Lock()
        self._is_killed = False

    @property
    def pid(self) -> int:
        """The process."""
        pid: int = self._process.pid
        return pid

    @property
    def name(self) -> str:
        """The process's name."""
        name: str = self._process.name
        return name

    def result(self) -> Any:
        """What the function returned; the process has ended by then.

        Raises:
            AssertionError: It did not return in time, or raised, or the process died.
        """
        if self._is_killed:
            return None
        with self._reading:
            if self._outcome is None:
                self._outcome = self._read_outcome()
        returned, value = self._outcome
        if not returned:
            raise AssertionError(f"A child failed in {self._name}():\n{value}")
        return value

    def has_failed(self) -> bool:
        """Whether the process has ended, and neither well nor by `kill`."""
        return not self._is_killed and self._exit_code(0.0) not in (None, 0)

    def failure(self) -> str:
        """What `result` says of it."""
        try:
            self.result()
        except (AssertionError, OSError) as error:
            return str(error)
        return ""

    def _read_outcome(self) -> tuple[bool, Any]:
        if not wait([self._report], self._trial.rest_s()):
            raise AssertionError(f"A child was still in {self._name}().")
        try:
            outcome: tuple[bool, Any] | None = self._report.recv()
            if outcome is None:  # it only said that it begins
                return self._read_outcome()
        except EOFError:
            return False, f"the process ended with {self._exit_code(self._trial.rest_s())}"
        if self._exit_code(self._trial.rest_s()) is None:
            raise AssertionError(f"A child has done {self._name}(), and does not end.")
        return outcome

    def _exit_code(self, wait_s: float) -> int | None:
        """How the process ended; None if it has not after that time."""
        if not wait([self._process.sentinel], wait_s):
            return None
        # Of two threads that reap a child at once, the second one is told that there is none.
        with self._reaping:
            self._process.join()  # the sentinel tells a moment before the kernel does
            code: int | None = self._process.exitcode
            return code

    def wait_asleep(self) -> None:
        """As `interlock.testing.wait_asleep`, once the function has begun.

        Raises:
            AssertionError: The process does not begin, or fall asleep, in time.

        If a process dies: AssertionError.
        """
        self.wait_begun()
        wait_asleep(self._process, self._trial.rest_s())

    def wait_begun(self) -> None:
        """Wait until the function is about to be called.

        Raises:
            AssertionError: It did not come to that in time.
            EOFError: The process died before.

        If a process dies: EOFError.
        """
        if not self._report.poll(self._trial.rest_s()) or self._report.recv() is not None:
            raise AssertionError(f"A child did not come to {self._name}().")

    def expect_death(self) -> None:
        """Say that its end is no failure, however it comes."""
        self._is_killed = True

    def wait_dead(self) -> None:
        """Wait for its end.

        Raises:
            AssertionError: It does not end in time.

        If a process dies: so it was meant.
        """
        self._process.join(self._trial.rest_s())
        if self._process.exitcode is None:
            raise AssertionError(f"A process was still in {self._name}().")

    def kill(self) -> None:
        """End the process by SIGKILL, if it has not ended."""
        self._is_killed = True
        self._process.kill()
        with self._reaping:
            self._process.join()
        self._report.close()


def _reporting(report: Connection, target: Callable[..., Any], args: tuple[Any, ...]) -> None:
    report.send(None)
    try:
        outcome = True, target(*args)
    except BaseException:
        outcome = False, traceback.format_exc()
    report.send(outcome)
    report.close()
    if not outcome[0]:
        raise SystemExit(1)


def _close(subject: Any) -> None:
    # A subject that cannot be closed any more is closed.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        subject.close()
