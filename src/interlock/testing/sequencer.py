"""Sequencer: an order that threads and processes must keep, whoever is quicker.

Data: a memfd with one record a step. A record has two parts of one writer each::

    0   begun     u8     0 not begun, 1 waiting, 2 inside, 3 done, 4 failed
    8   pid       u64    who waits or is inside, with its start time (a pid is given again)
    16  started   u64
    24  expected  u64    whose step it is to be, as `expect` says; with its start time
    32  started   u64

It is read and written by pread and pwrite, the state always after what belongs to it, and
nobody ever holds anything: a death at any step leaves a record that says who it was.
Waiting is looking every millisecond. Not a Condition: one that dies inside of it
would stop the others, and this is used where processes die.

After trio's `Sequencer`, whose blocks are of one process.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from interlock._handover import Passage, pack
from interlock.errors import SequenceBroken
from interlock.testing.processes import Process, has_ended, pid_of, start_time

__all__ = ["Sequencer"]

STEPS_NUMBERED = 256
LOOK_EVERY_S = 0.001

_STRIDE = 40
_STATE, _WHO, _EXPECTED = 0, 8, 24
_PERSON = struct.Struct("=QQ")  # pid, start time
_NOT_BEGUN, _WAITING, _INSIDE, _DONE, _FAILED = range(5)


class Sequencer:
    """Forces an order on blocks of code in any threads and processes.

    Every block begins when those before it have ended. A sequencer reaches a child as an
    argument, under every start method, or in a message::

        order = Sequencer("taken", "killed")

        with order("taken"):        # in the consumer
            lease = queue.lease().__enter__()

        with order("killed"):       # in the parent
            child.kill()

    Args:
        names: The steps in their order. Without names the steps are the numbers 0 to 255.
        timeout: How long a step waits for those before it, in seconds.

    Raises:
        ValueError: A name is given twice.

    If a process dies: one that waits for its step or is in it, or whose step `expect` says it
    is: those that come after it get SequenceBroken, which names it.
    """

    _memory = -1  # until there is one: __init__ may raise

    def __init__(self, *names: str, timeout: float = 30.0) -> None:
        if len(set(names)) < len(names):
            raise ValueError(f"a step is named twice in {names}; give each its own name")
        memory = os.memfd_create("interlock-sequencer")
        os.ftruncate(memory, (len(names) or STEPS_NUMBERED) * _STRIDE)
        self._set(names, timeout, memory)

    def _set(self, names: tuple[str, ...], timeout_s: float, memory: int) -> None:
        self._names = names
        self._timeout_s = timeout_s
        self._memory = memory

    @contextmanager
    def __call__(self, step: str | int) -> Iterator[None]:
        """Wait for all steps before this one, and be this one until the block ends.

        Raises:
            SequenceBroken: One before it failed, or will not be made because its process
                is dead, or was not made in time; or this one was begun before.
            ValueError: There is no such step.
        """
        number = self._number(step)
        if self._state(number) != _NOT_BEGUN:
            raise SequenceBroken(f"{self._shown(number)} was begun before; each is made once.")
        self._write(number, _WHO, _PERSON.pack(os.getpid(), start_time(os.getpid())))
        self._write(number, _STATE, bytes([_WAITING]))
        ending = _FAILED
        try:
            self._wait_before(number)
            self._write(number, _STATE, bytes([_INSIDE]))
            yield
            ending = _DONE
        finally:
            self._write(number, _STATE, bytes([ending]))

    def expect(self, step: str | int, process: Process | int) -> None:
        """Say whose step it is, so that its death is noticed even before it comes to it.

        Args:
            step: The step.
            process: The process that is to make it, or its pid.

        Raises:
            ValueError: There is no such step, or the process was not started.
        """
        pid = pid_of(process)
        self._write(self._number(step), _EXPECTED, _PERSON.pack(pid, start_time(pid)))

    def wait_done(self, step: str | int) -> None:
        """Wait until a step, and with it all before it, is made.

        Raises:
            SequenceBroken: It will not be made, or was not made in time.
            ValueError: There is no such step.

        If a process dies: whose step it is: SequenceBroken, which names it.
        """
        self._wait_before(self._number(step) + 1)

    def is_done(self, step: str | int) -> bool:
        """Whether a step is made.

        Raises:
            ValueError: There is no such step.
        """
        return self._state(self._number(step)) == _DONE

    def close(self) -> None:
        """Give up this process's hold on it; other processes go on."""
        if self._memory >= 0:
            os.close(self._memory)
            self._memory = -1

    def __del__(self) -> None:
        self.close()

    def __reduce__(self) -> tuple[Callable[..., Sequencer], tuple[Any, ...]]:
        return _attached, (self._names, self._timeout_s, pack([self._memory]))

    def _wait_before(self, number: int) -> None:
        deadline = time.monotonic() + self._timeout_s
        for earlier in range(number):
            while self._state(earlier) != _DONE:
                self._check(earlier)
                if time.monotonic() > deadline:
                    raise SequenceBroken(
                        f"{self._shown(earlier)} was not made within {self._timeout_s:g} s; "
                        f"{self._standing(earlier)}."
                    )
                time.sleep(LOOK_EVERY_S)

    def _check(self, number: int) -> None:
        """Whether a step can still be made."""
        if self._state(number) == _FAILED:
            pid, _ = self._person(number, _WHO)
            raise SequenceBroken(
                f"{self._shown(number)} failed in process {pid}; see the exception there."
            )
        for part in (_WHO, _EXPECTED):
            pid, started = self._person(number, part)
            if pid and has_ended(pid, started) and self._state(number) != _DONE:
                raise SequenceBroken(
                    f"{self._shown(number)} will not be made, for process {pid}, whose it was, "
                    f"has ended; {self._standing(number)}."
                )

    def _standing(self, number: int) -> str:
        pid = self._person(number, _WHO)[0]
        return {
            _NOT_BEGUN: "nobody came to it",
            _WAITING: f"process {pid} had come to it, and waited for an earlier one",
            _INSIDE: f"process {pid} was in it",
        }.get(self._state(number), f"process {pid} came to its end")

    def _shown(self, number: int) -> str:
        return f"Step {self._names[number]!r}" if self._names else f"Step {number}"

    def _number(self, step: str | int) -> int:
        if isinstance(step, str) and step in self._names:
            return self._names.index(step)
        if isinstance(step, int) and 0 <= step < (len(self._names) or STEPS_NUMBERED):
            return step
        known = ", ".join(map(repr, self._names)) or f"the numbers below {STEPS_NUMBERED}"
        raise ValueError(f"there is no step {step!r}; there are {known}")

    def _state(self, number: int) -> int:
        return self._read(number, _STATE, 1)[0]

    def _person(self, number: int, part: int) -> tuple[int, int]:
        pid, started = _PERSON.unpack(self._read(number, part, _PERSON.size))
        return pid, started

    def _read(self, number: int, part: int, size: int) -> bytes:
        return os.pread(self._memory, size, number * _STRIDE + part)

    def _write(self, number: int, part: int, data: bytes) -> None:
        os.pwrite(self._memory, data, number * _STRIDE + part)


def _attached(names: tuple[str, ...], timeout_s: float, passage: Passage) -> Sequencer:
    """A sequencer that came from another process."""
    sequencer = Sequencer.__new__(Sequencer)
    sequencer._set(names, timeout_s, passage.redeem()[0])
    return sequencer
