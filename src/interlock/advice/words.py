"""Says it in plain sentences, each from figures that were measured."""

from __future__ import annotations

from collections.abc import Iterator

from interlock.advice.choice import WORTH, Decision, Option
from interlock.advice.facts import ASYNCIO, INTERPRETER, MAIN, PROCESSES, THREAD, Facts, Trial
from interlock.advice.model import breaks_even

__all__ = ["headline", "how", "notes", "reasons", "size", "span"]

MOST, SOME = 0.5, 0.2  # of the time
HEAVY = 0.5  # of the work: what brings it there and back
TINY_S = 0.0005
NOTED = 0.1
NOTICED = 1_000_000  # bytes
LIGHT = 10_000  # bytes: what takes time is not their number
_NAMES = {
    MAIN: "a loop",
    ASYNCIO: "asyncio",
    THREAD: "threads",
    INTERPRETER: "sub-interpreters",
    "fork": "processes",
    "forkserver": "processes",
    "spawn": "processes",
}


def headline(decision: Decision) -> str:
    """What to do, and what it gains."""
    chosen = decision.chosen
    workers = chosen.prediction.workers
    if chosen.context == MAIN:
        many = "one input" if decision.items == 1 else f"{decision.items:,} inputs"
        return f"Use a loop: for {many} nothing else is worth its trouble."
    what = {
        ASYNCIO: f"asyncio, with {workers} calls at a time",
        THREAD: f"{workers} threads",
        INTERPRETER: f"{workers} sub-interpreters",
    }.get(chosen.context, f"{workers} processes by {chosen.context}")
    return f"Use {what}: about {factor(decision.gain)} times as fast as a loop."


def how(chosen: Option, name: str) -> str:
    """The same as a line of a program."""
    workers, batch = chosen.prediction.workers, chosen.prediction.batch
    chunks = f", chunksize={batch}" if batch > 1 else ""
    if chosen.context == MAIN:
        return f"results = [{name}(each) for each in inputs]"
    if chosen.context == ASYNCIO:
        return f"semaphore = asyncio.Semaphore({workers}); await asyncio.gather(...)"
    if chosen.context == THREAD:
        return (
            f"with interlock.pool.ThreadPool({workers}) as pool: "
            f"results = pool.map({name}, inputs{chunks})"
        )
    if chosen.context == INTERPRETER:
        return (
            f"with concurrent.futures.InterpreterPoolExecutor({workers}) as pool: "
            f"results = list(pool.map({name}, inputs))"
        )
    return (
        f'with interlock.get_context("{chosen.context}").Pool({workers}) as pool: '
        f"results = pool.map({name}, inputs)"
    )


def reasons(decision: Decision) -> Iterator[str]:
    """Why: what the function does, then each context that was not chosen."""
    facts, chosen = decision.facts, decision.chosen
    yield _kind(facts)
    if chosen.context == THREAD and facts.call.waiting_s > MOST * facts.call.wall_s:
        yield "Threads that wait cost next to nothing; asyncio does as well, if there is a library."
    yield from _others(decision)


def _kind(facts: Facts) -> str:
    """What a call spends its time on."""
    call = facts.call
    wall = max(call.wall_s, 1e-9)
    waits, cpu, gil = call.waiting_s / wall, call.cpu_s / wall, call.gil_s / wall
    took = f"A call takes {span(call.wall_s)}"
    if waits > MOST:
        what = f" for {call.waits_for}" if call.waits_for else ""
        return f"{took}: it waits {percent(waits)} of that{what}, and needs the CPU for the rest."
    if call.elsewhere_s > MOST * wall:
        cores = (call.cpu_s + call.elsewhere_s) / wall
        return (
            f"{took}, and keeps {cores:.1f} CPUs busy by threads of its own, or by programs that "
            "it runs."
        )
    waiting = f", and waits {percent(waits)}" if waits > SOME else ""
    if call.is_async:
        return f"{took}: it is on the CPU for {percent(cpu)} of that{waiting}."
    if gil > 0.7 * cpu:
        return (
            f"{took}: it is on the CPU for {percent(cpu)} of that{waiting}, and holds the GIL "
            f"for {percent(gil)}, so that threads take turns."
        )
    return (
        f"{took}: it is on the CPU for {percent(cpu)} of that{waiting}, but holds the GIL for "
        f"{percent(gil)} only, so that threads run side by side."
    )


def _others(decision: Decision) -> Iterator[str]:
    facts, chosen, found = decision.facts, decision.chosen, decision.found
    by_context = {each.context: each for each in found}
    if chosen.context != THREAD and THREAD in by_context:
        yield _threads(facts, by_context[THREAD])
    if chosen.context == ASYNCIO:
        yield "Tasks of asyncio wait side by side in one thread."
    if chosen.context not in PROCESSES:
        yield from _processes(decision)
    home = facts.homes.get(INTERPRETER)
    if chosen.context != INTERPRETER and home is not None:
        if facts.travel.refused:
            return
        if home.refused:
            yield f"Sub-interpreters: {_lower(home.refused)}."
        elif INTERPRETER in by_context:
            gain = facts.call.wall_s * by_context[INTERPRETER].prediction.rate
            yield f"Sub-interpreters would be {factor(gain)} times as fast as a loop."


def _threads(facts: Facts, option: Option) -> str:
    gain = facts.call.wall_s * option.prediction.rate
    if facts.call.gil_s > MOST * facts.call.wall_s and gain < WORTH:
        return f"Threads are {factor(gain)} times as fast as a loop: the GIL allows no more."
    return f"Threads would be {factor(gain)} times as fast as a loop."


def _processes(decision: Decision) -> Iterator[str]:
    """Why not these."""
    facts, chosen, found = decision.facts, decision.chosen, decision.found
    homes = [home for name, home in facts.homes.items() if name in PROCESSES]
    option = next((each for each in found if each.context in PROCESSES), None)
    if facts.travel.refused:
        yield f"Processes are out of the question: {facts.travel.refused.rstrip('.')}."
        return
    if option is None:
        yield from (f"Processes by {h.context}: {_lower(h.refused)}." for h in homes if h.refused)
        return
    call, travel, home = facts.call, facts.travel, facts.homes[option.context]
    carried = travel.here_s + travel.there_s
    gain = call.wall_s * option.prediction.rate
    is_light = travel.bytes_in + travel.bytes_out < LIGHT
    if call.wall_s < TINY_S and home.item_s + carried > HEAVY * call.wall_s and is_light:
        yield (
            f"Processes: the work is {span(call.wall_s)}, and to have it done there takes "
            f"{span(home.item_s + carried)} for each input even in large batches."
        )
    elif carried > HEAVY * call.wall_s:
        yield (
            f"Processes: an input is {size(travel.bytes_in)} and a result "
            f"{size(travel.bytes_out)}; to bring them there and back takes {span(carried)}, and "
            f"the work itself {span(call.wall_s)}."
        )
    elif gain < chosen.prediction.rate * call.wall_s * (1 + decision.noise):
        cost = f" and cost {size(home.memory_bytes)} each" if home.memory_bytes else ""
        against = "" if chosen.context == MAIN else f" over {_NAMES[chosen.context]}"
        if chosen.context == MAIN and facts.cores == 1:
            against = ", as there is one CPU,"
        yield f"Processes gain nothing{against}{cost}."
    else:
        yield (
            f"Processes would be {factor(gain)} times as fast as a loop once they run, which takes "
            f"{span(option.prediction.start_s)}."
        )


def notes(decision: Decision, calls: int) -> Iterator[str]:
    """What to know beside it."""
    facts, chosen, near = decision.facts, decision.chosen, decision.near
    call = facts.call
    if decision.busy > NOTED:
        yield (
            f"The machine was busy: up to {percent(decision.busy)} of the time others had the "
            "CPUs. The figures allow for that, and are uncertain; differences of less than "
            f"{percent(decision.noise)} mean nothing."
        )
    if chosen.trial is not None:
        yield _measured(chosen.trial, call.wall_s)
    elif chosen.context == MAIN:
        yield from _later(decision)
    else:
        yield "This was not run, for want of time: it is a prediction."
    even = breaks_even(facts, chosen.prediction, chosen.prediction.rate)
    if chosen.context != MAIN and even is not None and chosen.prediction.start_s > 0:
        yield (
            f"Workers take {span(chosen.prediction.start_s)} to start; from {even:,} inputs on "
            "they are faster than a loop."
        )
    if near:
        others = " and ".join(dict.fromkeys(_NAMES[each.context] for each in near))
        yield (
            f"Between this and {others} the difference is within the noise "
            f"({percent(decision.noise)}); this one is simpler."
        )
    yield from _memory(facts, chosen)
    yield from _warnings(facts, chosen)
    yield f"The function was really called for this, {calls:,} times."


def _later(decision: Decision) -> Iterator[str]:
    """For a job of more inputs another context may be better."""
    facts = decision.facts
    found = []
    for each in decision.later:
        rate = each.prediction.rate
        even = breaks_even(facts, each.prediction, rate / WORTH)
        if each.context != MAIN and even is not None and even > decision.items:
            found.append((even, _NAMES[each.context], rate * facts.call.wall_s))
    if found:
        even, name, gain = min(found)
        yield (
            f"From about {even:,} inputs on {name} are worth it, and in the end {factor(gain)} "
            "times as fast."
        )


def _memory(facts: Facts, chosen: Option) -> Iterator[str]:
    home, call, count = facts.homes[chosen.context], facts.call, chosen.prediction.workers
    free = f"{size(facts.memory_bytes)} are free"
    if home.memory_bytes:
        yield (
            f"A worker has {size(home.memory_bytes)} of its own, all of them "
            f"{size(count * home.memory_bytes)}; {free}."
        )
    if call.memory_bytes > NOTICED and count > 1:
        yield (
            f"A call has {size(call.memory_bytes)} while it runs, {count} at a time "
            f"{size(count * call.memory_bytes)}; {free}."
        )


def _warnings(facts: Facts, chosen: Option) -> Iterator[str]:
    call = facts.call
    if call.failed:
        many = "1 input" if call.failed == 1 else f"{call.failed} inputs"
        yield f"{many} of the sample raised ({call.failure}); the figures are of the others."
    if call.first_s > 5 * call.wall_s and call.first_s > 0.05:
        yield f"The first call took {span(call.first_s)}; each worker has such a one, too."
    if call.slowest_s > 10 * call.wall_s and call.wall_s > TINY_S:
        yield (
            f"Calls differ: the slowest took {span(call.slowest_s)}. The longest ones first makes "
            "all end together."
        )
    if chosen.context in PROCESSES and call.elsewhere_s > MOST * call.wall_s:
        yield "It uses several CPUs by itself; with `threads=1` in the pool workers do not compete."
    if chosen.context == "fork" and facts.threads:
        yield "The program has threads: what they hold is held for ever in a forked worker."
    if chosen.context == THREAD:
        yield "It must be safe to run in several threads at once."


def _measured(trial: Trial, loop_s: float) -> str:
    model = trial.items / trial.predicted_s
    if not trial.is_done:
        return (
            f"Run with {trial.workers} worker{'s' * (trial.workers != 1)}, it was not done after "
            f"{span(trial.seconds)}, as others had the CPUs: it is a prediction."
        )
    told = (
        f"Run with {trial.workers} worker{'s' * (trial.workers != 1)}, it was "
        f"{factor(trial.rate * loop_s)} times as fast as a loop; the model has "
        f"{factor(model * loop_s)}"
    )
    if trial.starved <= NOTED:
        return f"{told}."
    return (
        f"{told}. {percent(trial.starved)} of the time a worker had no CPU, as others had it; "
        f"allowing for that it is {factor(trial.factor * model * loop_s)}."
    )


def factor(number: float) -> str:
    """How many times, as a person says it."""
    if number >= 9.5:
        return f"{number:,.0f}"
    return f"{number:.2f}" if number < 1 else f"{number:.1f}"


def percent(part: float) -> str:
    """A part of the whole."""
    return f"{100 * part:.0f} %"


def size(number: float) -> str:
    """Bytes as a person reads them."""
    for unit, least in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if number >= least:
            shown = number / least
            return f"{shown:.0f} {unit}" if shown >= 10 else f"{shown:.1f} {unit}"
    return f"{number:.0f} byte{'s' * (number != 1)}"


def span(seconds: float) -> str:
    """Seconds as a person reads them."""
    for unit, least in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= least:
            shown = seconds / least
            return f"{shown:.0f} {unit}" if shown >= 10 else f"{shown:.1f} {unit}"
    return f"{seconds * 1e9:.0f} ns"


def _lower(text: str) -> str:
    return text.rstrip(".")
