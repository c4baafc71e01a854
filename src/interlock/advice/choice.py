"""Chooses: the best of each context by the model, put right by the trials, and the simplest wins.

A trial says how much faster or slower a context is than the model has it, and that holds for other
numbers of workers there, too. The busier the machine was, the less a trial counts, and the more
two must differ to differ at all; of several trials the quickest counts, as others only make it
slower. What the trials decide against the model is worth another trial of both (`doubtful`). Of two
that are within the noise of each other, the one that costs less and brings fewer surprises is
better: a loop before tasks of asyncio, these before threads, sub-interpreters, and processes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from interlock.advice.facts import ASYNCIO, INTERPRETER, MAIN, PROCESSES, THREAD, Facts, Trial
from interlock.advice.model import Prediction, best, curve, items_of_a_minute

__all__ = ["WORTH", "Decision", "Option", "busy", "choose", "decide", "doubtful", "noise_of",
           "options"]  # fmt: skip

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
        return noise_of(self.facts, _usable(self.facts, self.found))

    @property
    def busy(self) -> float:
        """The part of the time for which others had the CPUs, where that was most."""
        return busy(self.facts, self.found)

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
        trials: What was run.
        items: Of the job.
        most: Workers.
    """
    found = []
    by_kind = _counting(trials)
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
    usable = _usable(facts, found)
    quickest, noise = usable[0].seconds, noise_of(facts, usable)
    if main.seconds < quickest * max(WORTH, 1 + min(NOISE_MAX, _unsteady(facts, usable))):
        return main, []
    most = min(quickest * (1 + noise), main.seconds / WORTH)
    near = [each for each in usable if each.seconds <= most]
    chosen = min(near, key=lambda each: _ORDER.index(each.context))
    same = _kind(chosen.context)
    return chosen, [each for each in near if _kind(each.context) != same]


def doubtful(facts: Facts, trials: Sequence[Trial], items: int, most: int) -> list[Option]:
    """What the model chooses, and what the trials choose against it; nothing where they agree.

    A burst of work elsewhere while one of them ran is enough for that. Where a trial failed there
    is no doubt, and a loop is never among them: it has no trial.

    Args:
        facts: What was measured.
        trials: What was run.
        items: Of the job.
        most: Workers.
    """
    tried = options(facts, trials, items, most)
    chosen = choose(facts, tried)[0]
    model = choose(facts, options(facts, (), items, most))[0]
    kinds = {_kind(chosen.context), _kind(model.context)}
    pair = [each for each in tried if each.context in (chosen.context, model.context)]
    if len(kinds) < 2 or len(pair) < 2:
        return []
    return [each for each in pair if each.trial is not None]


def noise_of(facts: Facts, found: Sequence[Option]) -> float:
    """Differences of less than this part mean nothing; so far may the best be off its bound."""
    missed = 1 - found[0].right
    return min(NOISE_MAX, max(NOISE_MIN, _unsteady(facts, found), missed))


def _unsteady(facts: Facts, found: Iterable[Option]) -> float:
    return max(2 * facts.call.spread, busy(facts, found))


def busy(facts: Facts, found: Iterable[Option]) -> float:
    """The part of the time for which others had the CPUs, where that was most."""
    return max(facts.call.starved, *(each.trial.starved for each in found if each.trial), 0.0)


def _usable(facts: Facts, found: Sequence[Option]) -> list[Option]:
    """Without fork in a program with threads, where there is another way to have processes."""
    others = any(each.context in PROCESSES[1:] for each in found)
    is_risky = facts.threads > 0 and others
    return [each for each in found if not (is_risky and each.context == "fork")]


def _counting(trials: Iterable[Trial]) -> dict[str, Trial]:
    """For each kind of context the trial that counts: one that failed, or the quickest."""
    found: dict[str, Trial] = {}
    for each in trials:
        kind = _kind(each.context)
        other = found.get(kind)
        if other is None or (not other.failure and (each.failure or each.pace > other.pace)):
            found[kind] = each
    return found


def _kind(context: str) -> str:
    return "process" if context in PROCESSES else context


def _weight(facts: Facts, trial: Trial) -> float:
    if not trial.is_done:
        return 1.0
    starved = max(trial.starved, facts.call.starved)
    return float(trial.factor ** max(0.0, 1 - BUSY * starved))


def _put_right(prediction: Prediction, factor: float) -> Prediction:
    return replace(
        prediction, rate=prediction.rate * factor, item_s=prediction.item_s / max(factor, 1e-6)
    )
