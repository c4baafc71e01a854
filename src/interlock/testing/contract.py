"""A contract: one sentence that must hold of a subject, and the function that tries it.

A suite is a tuple of contracts. Each is tried on objects made anew, in a thread of its own
with a bound on its time, so that a subject that hangs is told from one that works.
"""

from __future__ import annotations

import inspect
import sys
import threading
import time
import traceback
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from interlock.testing.trial import Starter, Trial

__all__ = ["Contract", "Suite", "contract", "must", "raising"]


LOOK_EVERY_S = 0.2
NOTICED_WITHIN_S = 2.0


@dataclass(frozen=True)
class Contract:
    """One contract.

    Attributes:
        name: The name of its function.
        promise: What must hold, in a sentence.
        parts: What the subject must offer for it to be tried.
        check: Tries it; raises when it does not hold.
    """

    name: str
    promise: str
    parts: frozenset[str]
    check: Callable[[Trial], None]


def contract(*parts: str) -> Callable[[Callable[[Trial], None]], Contract]:
    """Make a contract of a function whose docstring is the promise.

    Args:
        parts: What the subject must offer for it to be tried, beyond the core of it.
    """

    def make(check: Callable[[Trial], None]) -> Contract:
        promise = " ".join((inspect.getdoc(check) or "").split("\n\n")[0].split())
        return Contract(check.__name__, promise, frozenset(parts), check)

    return make


@dataclass(frozen=True)
class Suite:
    """Contracts for one kind of subject.

    Attributes:
        kind: What is tried, such as ``queue``.
        contracts: In the order in which they are tried.
    """

    kind: str
    contracts: Sequence[Contract]

    @property
    def parts(self) -> frozenset[str]:
        """All parts that a subject may be without."""
        return frozenset[str]().union(*(contract.parts for contract in self.contracts))

    def run(
        self,
        factory: Callable[..., Any],
        context: Starter,
        without: Collection[str],
        timeout_s: float,
    ) -> None:
        """Try each contract whose parts the subject offers.

        Raises:
            AssertionError: One does not hold.
            ValueError: ``without`` names a part that there is not.

        If a process dies: the contract it took part in does not hold, and the error says so.
        """
        unknown = frozenset(without) - self.parts
        if unknown:
            raise ValueError(
                f"a {self.kind} has no part {', '.join(sorted(unknown))}; "
                f"it may be without {', '.join(sorted(self.parts))}"
            )
        for each in self.contracts:
            if each.parts.isdisjoint(without):
                self._try(each, Trial(factory, context, timeout_s))

    def _try(self, each: Contract, trial: Trial) -> None:
        raised: list[BaseException] = []

        def attempt() -> None:
            try:
                with trial:
                    each.check(trial)
            except BaseException as error:
                raised.append(error)

        thread = threading.Thread(target=attempt, name=f"contract-{each.name}", daemon=True)
        thread.start()
        failures = _watch(thread, trial)
        head = f"This {self.kind} breaks the contract {each.name!r}: {each.promise}"
        if thread.is_alive():
            where = _stack(thread)
            trial.give_up()
            why = "\n".join(failures) or f"It was still being tried after {trial.timeout_s:g} s."
            raise AssertionError(f"{head} {why}\nThe trial waited here:\n{where}")
        for error in raised:
            if isinstance(error, AssertionError):
                raise AssertionError(f"{head} {error}") from error
            raise AssertionError(f"{head} Unexpected {type(error).__name__}: {error}") from error


def must(holds: object, otherwise: str) -> None:
    """Raise an AssertionError that says ``otherwise`` unless something holds.

    Raises:
        AssertionError: It does not hold.
    """
    if not holds:
        raise AssertionError(otherwise)


@contextmanager
def raising(
    expected: type[BaseException] | tuple[type[BaseException], ...], doing: str
) -> Iterator[None]:
    """A block that must raise.

    Args:
        expected: What.
        doing: What the block does, for the message: "put() into a full queue".

    Raises:
        AssertionError: It raised nothing, or something else.
    """
    names = " or ".join(
        e.__name__ for e in (expected if isinstance(expected, tuple) else (expected,))
    )
    try:
        yield
    except expected:
        return
    except Exception as error:
        raise AssertionError(f"{doing} raised {error!r}, not {names}.") from error
    raise AssertionError(f"{doing} did not raise {names}.")


def _watch(thread: threading.Thread, trial: Trial) -> list[str]:
    """Until the trial's end or time-out, or a child's failure that the trial does not notice."""
    deadline = time.monotonic() + trial.timeout_s
    while thread.is_alive() and time.monotonic() < deadline:
        thread.join(LOOK_EVERY_S)
        if trial.has_failures():
            thread.join(NOTICED_WITHIN_S)
            return trial.failures()
    return trial.failures() if thread.is_alive() else []


def _stack(thread: threading.Thread) -> str:
    frame = sys._current_frames().get(thread.ident or 0)
    return "".join(traceback.format_stack(frame)) if frame else "(it has ended just now)"
