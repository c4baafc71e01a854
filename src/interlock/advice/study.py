"""advise: which context, how many workers and what batch suit a function, found by running it.

    probe (main thread) -> travel (sizes) -> home_of (workers) -> model -> trials -> choice -> words

`facts.py` has what is measured, `model.py` what is made of it, `choice.py` how it is decided.
"""

from __future__ import annotations

import itertools
import math
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

from interlock.advice import words
from interlock.advice.choice import Option, decide, doubtful, options
from interlock.advice.facts import ASYNCIO, INTERPRETER, MAIN, PROCESSES, THREAD, Facts, Home, Trial
from interlock.advice.measure.clocks import free_memory
from interlock.advice.measure.crowd import apart_s
from interlock.advice.measure.gil import has_gil
from interlock.advice.measure.places import Awaited, home_of
from interlock.advice.measure.probe import Probe, is_async, probe
from interlock.advice.measure.travel import travel
from interlock.advice.measure.trials import trial
from interlock.advice.model import items_of_a_minute
from interlock.advice.result import Advice
from interlock.pool.limits import cpu_count

__all__ = ["CONTEXTS", "WORKERS_LIMIT", "advise"]

CONTEXTS = (THREAD, INTERPRETER, *PROCESSES)
SAMPLE_MAX = 1000
WORKERS_LIMIT = 1024  # each number of workers is thought of, which takes time
TRIALS_MAX, AGAIN_MAX = 3, 2
PROBE_PART, TRAVEL_PART = 0.3, 0.1  # of the budget
HELD, SEEN_S = 0.3, 0.0001
CROWD_MIN, CROWD_MAX = 4, 8
HOPELESS = 1.2  # times as long as a loop: that need not be tried
SURE = 0.9  # of what one thread seemed to hold: less is no error of the clocks


def advise(
    function: Callable[[Any], Any],
    sample: Iterable[Any],
    *,
    items: int | None = None,
    workers_max: int = 32,
    budget_s: float = 10.0,
    contexts: Sequence[str] | None = None,
) -> Advice:
    """Say where a function is best run: in a loop, in threads, in processes ..., and why.

    The function is really called on the sample, with all that it does: some times one after the
    other, then in threads and in processes at the same time. Choose inputs with which that is
    harmless.

    Args:
        function: Takes one input. A coroutine function is awaited.
        sample: Inputs that stand for all of them; of more than 1000 the first are taken.
        items: How many inputs the job has; None for so many as take a minute in a loop.
        workers_max: How many workers to think of at the most, and to try; up to 1024.
        budget_s: Seconds after which no further measurement begins. A call that has begun is
            waited for.
        contexts: Those to think of, beside a loop; None for all of CONTEXTS.

    Returns:
        The advice; printed, it is plain text.

    Raises:
        ValueError: The sample is empty, a number is too small or too large, or a context has
            another name.
        TypeError: The function cannot be called, or a number is none.
        RuntimeError: A coroutine function, in a thread in which an event loop runs.
        SampleFailed: The function raised for each input.

    If a process dies: the trial that it was part of has failed, which the advice says; one that is
        killed by an input is not advised.

    Example:
        >>> import time, interlock
        >>> advice = interlock.advise(time.sleep, [0.01], contexts=["thread"], budget_s=2)
        >>> advice.context, advice.workers > 8
        ('thread', True)
    """
    if not callable(function):
        raise TypeError(f"advise() takes a function, and {function!r} cannot be called")
    if is_async(function) and _in_a_loop():
        raise RuntimeError(
            "advise() runs event loops of its own, and one is running in this thread; write "
            "`await asyncio.to_thread(interlock.advise, function, sample)`"
        )
    wanted = _checked(items, workers_max, budget_s, contexts)
    inputs = list(itertools.islice(sample, SAMPLE_MAX))
    if not inputs:
        raise ValueError("the sample is empty; give some inputs")
    study = _Study(function, time.monotonic() + budget_s, workers_max)
    study.measure(inputs, wanted, budget_s)
    number = items_of_a_minute(study.facts) if items is None else items
    study.try_out(number)
    return study.advice(number)


def _checked(items: Any, workers_max: Any, budget_s: Any, contexts: Any) -> tuple[str, ...]:
    for name, number, whole in (
        ("items", items, "a whole number of at least 1, or None"),
        ("workers_max", workers_max, f"a whole number from 1 to {WORKERS_LIMIT}"),
    ):
        if number is None and name == "items":
            continue
        if not isinstance(number, Integral):
            raise TypeError(f"{name} is {number!r}; give {whole}")
        if number < 1 or (name == "workers_max" and int(number) > WORKERS_LIMIT):
            raise ValueError(f"{name} is {number!r}; give {whole}")
    if not isinstance(budget_s, Real):
        raise TypeError(f"budget_s is {budget_s!r}; give seconds above 0")
    if not 0 < float(budget_s) < math.inf:
        raise ValueError(f"budget_s is {budget_s!r}; give seconds above 0")
    if isinstance(contexts, str):
        raise TypeError(f"contexts is {contexts!r}; give names in a list: [{contexts!r}]")
    wanted = CONTEXTS if contexts is None else tuple(contexts)
    for name in wanted:
        if name not in CONTEXTS:
            raise ValueError(f"there is no context {name!r} to advise; give {', '.join(CONTEXTS)}")
    return wanted


class _Study:
    """What is known of a function up to now.

    Args:
        function: The function.
        deadline: No measurement begins after it, by the monotonic clock.
        workers_max: Workers at the most.
    """

    def __init__(self, function: Callable[[Any], Any], deadline: float, workers_max: int) -> None:
        self._function = function
        self._deadline = deadline
        self._workers_max = workers_max
        self._probe: Probe
        self._calls = 0
        self._trials: list[Trial] = []
        self.facts: Facts

    def measure(self, inputs: Sequence[Any], contexts: Sequence[str], budget_s: float) -> None:
        """A call, what travels, and what workers cost."""
        threads = threading.active_count() - 1
        self._probe = found = probe(self._function, inputs, budget_s * PROBE_PART)
        self._calls = found.calls
        there = Awaited(self._function) if found.call.is_async else self._function
        carried = travel(there, found.inputs, found.results, budget_s * TRAVEL_PART)
        self.facts = Facts(
            found.call, carried, {MAIN: Home(MAIN)}, cpu_count(), free_memory(), threads
        )
        if found.call.is_async:
            self.facts.homes[ASYNCIO] = Home(ASYNCIO)
            contexts = [each for each in contexts if each in PROCESSES]
        elif THREAD in contexts and self._is_in_doubt():
            self._look_at_several()
        like: Home | None = None
        for context in contexts:
            self.facts.homes[context] = home = self._home(context, there, like)
            if context in PROCESSES and not home.refused:
                like = like or home

    def _is_in_doubt(self) -> bool:
        """Whether a call seems to hold the GIL, and is long enough to see how several do."""
        call = self.facts.call
        is_held = call.gil_s > HELD * call.wall_s and call.wall_s > SEEN_S
        left_s = self._deadline - time.monotonic()
        threads = self._crowd()
        return has_gil() and threads > 1 and is_held and 2 * threads * call.wall_s < left_s

    def _crowd(self) -> int:
        """How many threads, as far as there is memory for their calls."""
        fits = self.facts.memory_bytes // 4 // max(1, self.facts.call.memory_bytes)
        wanted = min(CROWD_MAX, max(CROWD_MIN, self.facts.cores))
        return int(max(1, min(wanted, fits, self._workers_max)))

    def _look_at_several(self) -> None:
        """Threads of it may get on better than it seemed of one: that is the surer measurement."""
        call = self.facts.call
        with suppress(Exception, SystemExit):
            gil_s, calls = apart_s(call, self._function, self._probe.inputs, self._crowd())
            self._calls += calls
            if gil_s < SURE * call.gil_s:
                self.facts = replace(self.facts, call=replace(call, gil_s=gil_s))

    def _home(self, context: str, function: Callable[[Any], Any], like: Home | None) -> Home:
        if context != THREAD and self.facts.travel.refused:
            return Home(context, refused=self.facts.travel.refused)
        if time.monotonic() > self._deadline and (like is not None or context == INTERPRETER):
            return Home(context, refused="there was no time to look at it")
        return home_of(context, function, like)

    def try_out(self, items: int) -> None:
        """Run the sample in the two that look best; in a third, if these were worse than that.

        What these runs decide against the model is made sure of: again, one after the other.
        """
        for number in range(TRIALS_MAX):
            option = self._next(items)
            if option is None or not self._try(option, TRIALS_MAX - number):
                break
        for number in range(AGAIN_MAX):
            for option in doubtful(self.facts, self._trials, items, self._workers_max):
                if not self._try(option, 2 * (AGAIN_MAX - number)):
                    return

    def _try(self, option: Option, more: int) -> bool:
        """Run the sample there, as the first of so many for which the time must do, if it does."""
        left_s = self._deadline - time.monotonic()
        if left_s <= 0:
            return False
        done, memory = trial(
            self.facts, option.prediction, self._function, self._probe.inputs, left_s / more
        )
        if done is None:
            return False
        self._trials.append(done)
        self._calls += done.calls
        if memory:
            home = self.facts.homes[option.context]
            self.facts.homes[option.context] = replace(home, memory_bytes=memory)
        return True

    def _next(self, items: int) -> Option | None:
        """The best that was not tried, among the best two."""
        found = options(self.facts, self._trials, items, self._workers_max)
        loop_s = next(each.seconds for each in found if each.context == MAIN)
        kinds: list[str] = []
        for each in found:
            kind = "process" if each.context in PROCESSES else each.context
            if each.context == MAIN or kind in kinds or each.seconds > HOPELESS * loop_s:
                continue
            kinds.append(kind)
            if each.trial is None and len(kinds) <= 2:
                return each
        return None

    def advice(self, items: int) -> Advice:
        """What comes of it."""
        decision = decide(self.facts, self._trials, items, self._workers_max)
        chosen = decision.chosen
        name = _name(self._function)
        failed = [
            f"Tried, and failed, by {each.context}: {each.failure.rstrip('.')}."
            for each in self._trials
            if each.failure
        ]
        return Advice(
            function=name,
            context=chosen.context,
            workers=chosen.prediction.workers,
            batch=chosen.prediction.batch,
            speedup=decision.gain,
            headline=words.headline(decision),
            how=words.how(chosen, name if name.isidentifier() else "function"),
            reasons=tuple(words.reasons(decision)),
            notes=(*failed, *words.notes(decision, self._calls)),
            items=items,
            calls=self._calls,
            facts=self.facts,
            options=decision.found,
            trials=tuple(self._trials),
            workers_max=self._workers_max,
            busy=decision.busy,
        )


def _in_a_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _name(function: Callable[[Any], Any]) -> str:
    kind = type(function).__name__
    return str(getattr(function, "__name__", None) or getattr(function, "name", kind))
