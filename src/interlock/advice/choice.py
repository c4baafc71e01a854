"""Chooses: the best of each context by the model, put right by the trials, and the simplest wins.

A trial says how much faster or slower a context is than the model has it, and that holds for other
numbers of workers there, too. The busier the machine was, the less a trial counts. Of two that are
within the noise of each other, the one that costs less and brings fewer surprises is better: a loop
before tasks of asyncio, these before threads, sub-interpreters, and processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from interlock.advice.facts import ASYNCIO, INTERPRETER, MAIN, PROCESSES, THREAD, Facts, Trial
from interlock.advice.model import Prediction, best, curve, items_of_a_minute

__all__ = ["WORTH", "Decision", "Option", "choose", "decide", "noise_of", "options"]

WORTH = 1.2  # times as fast as a loop, or a loop is better
NOISE_MIN, NOISE_MAX = 0.1, 0.3
BUSY = 2.0  # where half of the time there was no CPU, a trial says nothing
_ORDER = (MAIN, ASYNCIO, THREAD, INTERPRETER, *PROCESSES)


@dataclass(frozen=True)
class Option:
    """The best of a context.

    Attributes:
        prediction: How, and how fast by the model, put right by the trial if there was one.
        seconds: For the whole job.
        trial: What was measured; None if nothing was.
        right: What the model's rates were multiplied with.
    """

    prediction: Prediction
    seconds: float
    trial: Trial | None = None
    right: float = 1.0

    @property
    def context(self) -> str:
        """Its name."""
        return self.prediction.context

    def put_right(self, prediction: Prediction) -> Prediction:
        """Another prediction for its context, as the trial says."""
        return _put_right(prediction, self.right)


@dataclass(frozen=True)
class Decision:
    """What is best for a job, and what else was thought of.

    Attributes:
        facts: What was measured.
        items: Inputs of the job.
        found: The best of each context, the quickest first.
        chosen: The best.
        near: Those that are within the noise of it.
        later: As `found`, for a long job.
    """

    facts: Facts
    items: int
    found: tuple[Option, ...]
    chosen: Option
    near: tuple[Option, ...]
    later: tuple[Option, ...]

    @property
    def noise(self) -> float:
        """Differences of less than this part mean nothing."""
        return noise_of(self.facts, self.found[0])

    @property
    def gain(self) -> float:
        """How many times as fast as a loop, with the start."""
        return self.facts.call.wall_s * self.items / self.chosen.seconds


def decide(facts: Facts, trials: Sequence[Trial], items: int, most: int) -> Decision:
    """What is best.

    Args:
        facts: What was measured.
        trials: What was run.
        items: Of the job.
        most: Workers.
    """
    found = options(facts, trials, items, most)
    chosen, near = choose(facts, found)
    later = options(facts, trials, items_of_a_minute(facts), most)
    return Decision(facts, items, tuple(found), chosen, tuple(near), tuple(later))


def options(facts: Facts, trials: Iterable[Trial], items: int, most: int) -> list[Option]:
    """The best of each context, the quickest first; without those where nothing can run.

    Args:
        facts: What was measured.
        trials: What was run, at the most one for each context that counts.
        items: Of the job.
        most: Workers.
    """
    found = []
    by_kind = {_kind(each.context): each for each in trials}
    for context in _ORDER:
        trial = by_kind.get(_kind(context))
        if trial is not None and trial.failure:
            continue
        predictions = curve(facts, context, items, most)
        if trial is not None:
            predictions = [_put_right(each, _weight(facts, trial)) for each in predictions]
        if predictions:
            chosen = best(predictions, items)
            right = 1.0 if trial is None else _weight(facts, trial)
            found.append(Option(chosen, chosen.seconds(items), trial, right))
    return sorted(found, key=lambda each: each.seconds)


def choose(facts: Facts, found: Sequence[Option]) -> tuple[Option, list[Option]]:
    """The best, and those that are within the noise of it.

    Args:
        facts: What was measured.
        found: As `options` gives them; with the loop among them.
    """
    main = next(each for each in found if each.context == MAIN)
    usable = [each for each in found if not _is_risky(facts, each, found)]
    quickest = usable[0].seconds
    if main.seconds < quickest * WORTH:
        return main, []
    noise = noise_of(facts, usable[0])
    near = [
        each for each in usable if each.seconds <= quickest * (1 + noise) and each.context != MAIN
    ]
    chosen = min(near, key=lambda each: _ORDER.index(each.context))
    same = _kind(chosen.context)
    return chosen, [each for each in near if _kind(each.context) != same]


def noise_of(facts: Facts, quickest: Option) -> float:
    """Differences of less than this part mean nothing; so far may the best be off its bound."""
    missed = 1 - quickest.right
    return min(NOISE_MAX, max(NOISE_MIN, 2 * facts.call.spread, facts.call.starved / 4, missed))


def _is_risky(facts: Facts, option: Option, found: Sequence[Option]) -> bool:
    """Fork in a program with threads, where there is another way to have processes."""
    others = any(each.context in PROCESSES[1:] for each in found)
    return option.context == "fork" and facts.threads > 0 and others


def _kind(context: str) -> str:
    return "process" if context in PROCESSES else context


def _weight(facts: Facts, trial: Trial) -> float:
    busy = max(trial.starved, facts.call.starved)
    return float(trial.factor ** max(0.0, 1 - BUSY * busy))


def _put_right(prediction: Prediction, factor: float) -> Prediction:
    return replace(
        prediction, rate=prediction.rate * factor, item_s=prediction.item_s / max(factor, 1e-6)
    )
