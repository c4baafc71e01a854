"""What was measured, as the model and the words take it: frozen values, seconds and bytes.

All times are of a machine that has nothing else to do: what a thread spent waiting for a CPU that
others had (`starved`) is taken off, and told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ASYNCIO", "INTERPRETER", "MAIN", "PROCESSES", "THREAD", "Call", "Facts", "Home",
           "Travel", "Trial"]  # fmt: skip

MAIN, ASYNCIO, THREAD, INTERPRETER = "main", "asyncio", "thread", "interpreter"
PROCESSES = ("fork", "forkserver", "spawn")


@dataclass(frozen=True)
class Call:
    """One call of the function in the main thread; means over the sample.

    Attributes:
        wall_s: From its begin to its end.
        cpu_s: On the CPU, in the thread that called it.
        elsewhere_s: On the CPU in other threads, and in processes that it started and waited for.
        gil_s: Holding the GIL.
        waits_for: What for, in words; empty if it was not seen.
        first_s: The first call, which may import, connect, or fill caches.
        slowest_s: The slowest after that.
        spread: How much the mean differs between rounds, as a part of it.
        starved: The part of the time for which no CPU was free.
        memory_bytes: What it has in RAM while it runs, and gives back; 0 where that was not seen.
        calls: How often it was called for these figures.
        failed: How many inputs of the sample raised.
        failure: What the first of these raised.
        is_async: Whether it is a coroutine function.
    """

    wall_s: float
    cpu_s: float
    elsewhere_s: float = 0.0
    gil_s: float = 0.0
    waits_for: str = ""
    first_s: float = 0.0
    slowest_s: float = 0.0
    spread: float = 0.0
    starved: float = 0.0
    memory_bytes: int = 0
    calls: int = 1
    failed: int = 0
    failure: str = ""
    is_async: bool = False

    @property
    def waiting_s(self) -> float:
        """Neither on the CPU nor kept from it."""
        return max(0.0, self.wall_s - self.cpu_s - self.elsewhere_s)


@dataclass(frozen=True)
class Travel:
    """What an input and a result cost on their way to another process and back; means.

    Attributes:
        bytes_in: Of an input.
        bytes_out: Of a result.
        shared_in: Of these, large buffers, which are copied once, into shared memory.
        shared_out: The same of a result.
        here_s: In this process: to send the input and to read the result.
        there_s: In the worker: to read the input and to send the result.
        function_bytes: Of the function itself, which goes to each worker once.
        refused: Why they cannot go; empty if they can.
    """

    bytes_in: int = 0
    bytes_out: int = 0
    shared_in: int = 0
    shared_out: int = 0
    here_s: float = 0.0
    there_s: float = 0.0
    function_bytes: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Home:
    """Where work may run, and what being there costs.

    Attributes:
        context: Its name.
        start_s: Until the first worker can work.
        more_s: For each further one.
        item_s: What a pool does for a task, in the process that asks.
        message_s: What it does for a message, whatever number of tasks is in it.
        memory_bytes: Of each worker, its own, not shared with others.
        refused: Why nothing can run there; empty if it can.
    """

    context: str
    start_s: float = 0.0
    more_s: float = 0.0
    item_s: float = 0.0
    message_s: float = 0.0
    memory_bytes: int = 0
    refused: str = ""


@dataclass(frozen=True)
class Trial:
    """The sample really run somewhere, beside what was predicted of it.

    Attributes:
        context: Where.
        workers: By how many.
        batch: In messages of so many; 0 where the pool chose.
        items: How many calls.
        seconds: How long these took, workers started before.
        predicted_s: How long they should have taken.
        calls: How often the function was called for it in all.
        starved: The part of the time for which a worker had no CPU, as others had it.
        failure: What went wrong; empty if nothing did.
        is_done: Whether it came to its end; if not, for want of CPUs that others had.
    """

    context: str
    workers: int
    batch: int
    items: int
    seconds: float
    predicted_s: float
    calls: int = 0
    starved: float = 0.0
    failure: str = ""
    is_done: bool = True

    @property
    def rate(self) -> float:
        """Items a second, as it was; 0 if it came to no end."""
        return self.items / self.seconds if self.seconds > 0 and self.is_done else 0.0

    @property
    def pace(self) -> float:
        """How fast it was, predicted is 1."""
        return self.rate / self.items * self.predicted_s

    @property
    def factor(self) -> float:
        """How fast it would have been, predicted is 1, if it had had its CPUs to itself.

        What the model has is a bound: more than that is an error of the clocks.
        """
        if self.failure:
            return 0.0
        return min(1.0, self.pace / (1 - min(self.starved, 0.9)))


@dataclass(frozen=True)
class Facts:
    """All of it.

    Attributes:
        call: The function.
        travel: Its inputs and results.
        homes: Where it may run, by name.
        cores: CPUs that may be used.
        memory_bytes: Free for workers.
        threads: Threads of the program, beside the main one.
    """

    call: Call
    travel: Travel = field(default_factory=Travel)
    homes: dict[str, Home] = field(default_factory=dict)
    cores: int = 1
    memory_bytes: int = 1 << 40
    threads: int = 0
