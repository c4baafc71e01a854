"""Where two processes that talk run: anywhere, on one core, on two, or beside busy ones."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import dataclass

BUSY_PROCESSES = 2


@dataclass(frozen=True)
class Placement:
    """The cores of the two, as indexes into this process's own set; None is anywhere."""

    name: str
    cores: tuple[int, int] | None = None
    busy: bool = False

    def cpus(self) -> tuple[int | None, int | None]:
        """The CPU numbers; raises LookupError where there are too few."""
        if self.cores is None:
            return (None, None)
        allowed = sorted(os.sched_getaffinity(0))
        if max(self.cores) >= len(allowed):
            raise LookupError(f"placement {self.name!r} needs {max(self.cores) + 1} CPUs")
        first, second = self.cores
        return (allowed[first], allowed[second])

    @contextlib.contextmanager
    def neighbours(self) -> Iterator[None]:
        """Two processes that only count run for the time of the block, if it is that placement."""
        count = BUSY_PROCESSES if self.busy else 0
        spinners = [multiprocessing.Process(target=_spin, daemon=True) for _ in range(count)]
        for spinner in spinners:
            spinner.start()
        try:
            yield
        finally:
            for spinner in spinners:
                spinner.kill()
                spinner.join()


def _spin() -> None:
    count = 0
    while True:
        count += 1


FREE = Placement("free")
PLACEMENTS = (
    FREE,
    Placement("one core", (0, 0)),
    Placement("two cores", (0, 1)),
    Placement("beside two busy", busy=True),
)
