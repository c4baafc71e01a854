"""A promise that every context makes, and what a check of one is given."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["SOON_S", "Bench", "Promise", "must", "promise", "raising"]

LONG_S = 20.0  # for what comes; nobody waits so long
SOON_S = 2.0  # within which a death is noticed, and what was stopped has ended
MOMENT_S = 0.1  # for what does not come


@dataclass(frozen=True)
class Promise:
    """What holds.

    Attributes:
        area: Of which object: the name of its module.
        name: A sentence, with underscores.
        text: The same at length, from the docstring.
        needs: What a context must have for it to be tried.
        asks: ``"kills"``: a worker is killed by the kernel; ``"stops"``: something that computes
            for ever is ended. It is not tried where that would end, or occupy, this very process.
        check: Tries it; raises when it does not hold.
    """

    area: str
    name: str
    text: str
    needs: tuple[str, ...]
    asks: str
    check: Callable[[Bench], None]

    @property
    def key(self) -> str:
        """By which `differences.py` names it."""
        return f"{self.area}.{self.name}"


def promise(*needs: str, asks: str = "") -> Callable[[Callable[[Bench], None]], Promise]:
    """Make a promise of a function; its docstring is the promise in words."""

    def make(check: Callable[[Bench], None]) -> Promise:
        text = " ".join((inspect.getdoc(check) or "").split())
        area = check.__module__.rsplit(".", 1)[1]
        return Promise(area, check.__name__, text, needs, asks, check)

    return make


class Bench:
    """Where a promise is tried: the context, and processes that are ended at its end."""

    def __init__(self, context: Any) -> None:
        self.context = context
        self.long_s = LONG_S
        self.soon_s = SOON_S
        self.moment_s = MOMENT_S
        self._processes: list[Any] = []

    def start(self, target: Callable[..., object], *args: Any) -> Any:
        """A process that runs a function of `work.py`."""
        process = self.context.Process(target=target, args=args)
        process.daemon = True  # what cannot be ended is not waited for in the end
        process.start()
        self._processes.append(process)
        return process

    def join(self, *processes: Any) -> None:
        """Wait for processes, which must end well."""
        for process in processes:
            process.join(self.long_s)
            must(not process.is_alive(), "A process does not end.")
            must(process.exitcode == 0, f"A process ended with {process.exitcode}.")

    def end(self) -> None:
        """End what is left."""
        for process in self._processes:
            if process.is_alive() and hasattr(process, "kill"):
                process.kill()
            process.join(self.soon_s)


def must(holds: object, otherwise: str) -> None:
    """Raise an AssertionError that says ``otherwise`` unless something holds."""
    if not holds:
        raise AssertionError(otherwise)


class raising:
    """A block that must raise one of these, and not before some time, if one is given."""

    def __init__(self, *kinds: type[BaseException], after_s: float = 0.0) -> None:
        self.kinds = kinds
        self.after_s = after_s
        self.error: Any = None

    def __enter__(self) -> raising:
        self._began = time.monotonic()
        return self

    def __exit__(self, kind: Any, error: Any, trace: object) -> bool:
        names = " or ".join(each.__name__ for each in self.kinds)
        must(error is not None, f"Nothing was raised; it should have been {names}.")
        must(isinstance(error, self.kinds), f"{error!r} was raised instead of {names}.")
        took_s = time.monotonic() - self._began
        must(took_s >= self.after_s * 0.9, f"It was raised after {took_s} s already.")
        self.error = error
        return True
