"""The table of what is measured: the work, who does it, and what Interlock must reach.

A *contestant* does ``count`` units of one piece of work and says how many
seconds it took; peers, the C pipe and memcpy are all contestants. Every goal is
a ratio of speeds, Interlock's to another contestant's. The least for now is half.
serializing.py adds the work that needs no context.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from . import roles
from .harness import Role, WrongResult, play
from .peers import c_pipe, memcpy
from .placement import FREE, PLACEMENTS, Placement

KIB, MIB = 1 << 10, 1 << 20
STDLIB = "multiprocessing"
WARM, FIRST = "memcpy, warm", "memcpy, first time"
LEAST = 0.5  # of each goal; the whole of it comes with the performance issue

Measure = Callable[[int], float]  # units of work -> seconds
PeerMeasure = Callable[[Any, int], float]  # context, units of work -> seconds


@dataclass(frozen=True)
class Workload:
    """One piece of work.

    Attributes:
        peer: Does it with a peer's context; None if only the references do it.
        references: Contestants that need no context, by name.
        goals: Name of a contestant -> the ratio of Interlock's speed to its that is to be
            reached; with a baseline, the ratio of the named one's speed to the baseline's.
        unit: What a figure is in: "k/s", "GB/s", or a time, of which less is better: "us", "ms".
        amount: What one unit of work counts for: messages, or bytes.
        baseline: Against whom everybody else is measured; by default the measured one is
            measured against everybody else.
        least: The part of a goal that suffices for now.
        trial: The count of the first trial.
        fixed: The count of every round, where half a second is not what decides; None for a
            trial to find it.
        absent: Contestants that are not installed.
    """

    key: str
    name: str
    peer: PeerMeasure | None
    goals: dict[str, float]
    unit: str = "k/s"
    amount: int = 1
    references: dict[str, Measure] = field(default_factory=dict)
    placement: Placement = FREE
    baseline: str | None = None
    least: float = LEAST
    trial: int = 1
    fixed: int | None = None
    absent: tuple[str, ...] = ()

    @property
    def is_time(self) -> bool:
        """Whether less is better."""
        return self.unit in ("us", "ms")

    def figure(self, count: int, seconds: float) -> float:
        """The seconds of ``count`` units in this workload's unit."""
        speed = count * self.amount / seconds
        return {"k/s": speed / 1e3, "GB/s": speed / 1e9, "us": 1e6 / speed, "ms": 1e3 / speed}[
            self.unit
        ]

    def pairs(self, subject: str, names: Iterable[str]) -> list[tuple[str, str, float | None]]:
        """Who is measured, against whom, and the goal; those with a goal first."""
        goals = self.goals
        if self.baseline is not None:
            found = [(name, self.baseline, goals.get(name)) for name in names]
        else:
            found = [(subject, name, goals.get(name)) for name in names]
        others = [pair for pair in found if pair[0] != pair[1]]
        return sorted(others, key=lambda pair: pair[2] is None)


def _one_to_one(
    put: Callable[..., Any], get: Callable[..., Any], context: Any, count: int
) -> float:
    queue = context.Queue()
    first = (0, 1) if put is roles.put_ints else ()
    seconds, _ = play(context, [Role(put, (queue, *first, count)), Role(get, (queue, count))])
    queue.close()
    return seconds


def _two_to_two(context: Any, count: int) -> float:
    """Even numbers from one producer, odd from the other; each consumer takes half."""
    half = max(1, count // 2)
    queue = context.Queue()
    producers = [Role(roles.put_ints, (queue, first, 2, half)) for first in (0, 1)]
    consumers = [Role(roles.get_ints_of_two, (queue, half)) for _ in (0, 1)]
    seconds, values = play(context, producers + consumers)
    queue.close()
    got, total = map(sum, zip(*values[2:], strict=True))
    if (got, total) != (2 * half, sum(range(2 * half))):
        raise WrongResult(f"{got} integers with sum {total} came of {2 * half}")
    return seconds


def _arrays(size: int, context: Any, count: int) -> float:
    before = roles.warm_up(size)
    return _array_round(size, context, count, before)


def _arrays_first_time(size: int, context: Any, count: int) -> float:
    """``count`` new queues, the first array through each."""
    return sum(_array_round(size, context, 1, 0) for _ in range(count))


def _array_round(size: int, context: Any, count: int, before: int) -> float:
    queue = context.Queue()
    arguments = (queue, size, count, before)
    seconds, _ = play(
        context, [Role(roles.put_arrays, arguments), Role(roles.get_arrays, arguments)]
    )
    queue.close()
    return seconds


def _ping_pong_queue(placement: Placement, context: Any, count: int) -> float:
    cpus = placement.cpus()
    there, back = context.Queue(), context.Queue()
    players = (roles.ping_queue, roles.pong_queue)
    seconds, _ = play(
        context,
        [Role(role, (there, back, count), cpu) for role, cpu in zip(players, cpus, strict=True)],
    )
    there.close()
    back.close()
    return seconds


def _ping_pong_pipe(placement: Placement, context: Any, count: int) -> float:
    cpus = placement.cpus()
    near, far = context.Pipe()
    seconds, _ = play(
        context,
        [
            Role(roles.ping_pipe, (near, count), cpus[0]),
            Role(roles.pong_pipe, (far, count), cpus[1]),
        ],
    )
    near.close()
    far.close()
    return seconds


def _c_pipe(placement: Placement, count: int) -> float:
    return c_pipe.seconds(count, placement.cpus())


def _array_workload(size: int, label: str, goals: dict[str, float]) -> Workload:
    return Workload(
        key=f"arrays-{label.replace(' ', '').lower()}",
        name=f"queue, {label} arrays",
        peer=partial(_arrays, size),
        goals=goals,
        unit="GB/s",
        amount=size,
        references={WARM: partial(memcpy.warm, size), FIRST: partial(memcpy.first_time, size)},
    )


def _ping_pong(placement: Placement) -> Sequence[Workload]:
    slug = placement.name.replace(" ", "-")
    goals = {c_pipe.NAME: 1 / 1.5 if placement.busy else 1.0}
    references: dict[str, Measure] = {c_pipe.NAME: partial(_c_pipe, placement)}
    return [
        Workload(
            key=f"ping-pong-{kind}-{slug}",
            name=f"ping-pong, {kind}, {placement.name}",
            peer=partial(peer, placement),
            goals=goals,
            unit="us",
            references=references,
            placement=placement,
        )
        for kind, peer in (("queue", _ping_pong_queue), ("pipe", _ping_pong_pipe))
    ]


WORKLOADS: tuple[Workload, ...] = (
    Workload(
        "ints",
        "queue, small ints, 1 to 1",
        partial(_one_to_one, roles.put_ints, roles.get_ints_in_order),
        {STDLIB: 40},
    ),
    Workload(
        "dicts",
        "queue, 4-field dicts, 1 to 1",
        partial(_one_to_one, roles.put_dicts, roles.get_dicts),
        {STDLIB: 12},
    ),
    Workload("ints-2-to-2", "queue, ints, 2 to 2", _two_to_two, {STDLIB: 25}),
    _array_workload(64 * KIB, "64 KiB", {STDLIB: 16}),
    _array_workload(MIB, "1 MiB", {STDLIB: 30}),
    _array_workload(64 * MIB, "64 MiB", {STDLIB: 25, WARM: 0.8}),
    Workload(
        "arrays-64mib-first",
        "queue, 64 MiB array, first time",
        partial(_arrays_first_time, 64 * MIB),
        {WARM: 0.3},
        "GB/s",
        64 * MIB,
        {
            WARM: partial(memcpy.warm, 64 * MIB),
            FIRST: partial(memcpy.first_time, 64 * MIB),
        },
    ),
    *(workload for placement in PLACEMENTS for workload in _ping_pong(placement)),
)
