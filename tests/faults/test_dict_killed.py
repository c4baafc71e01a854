"""A process is killed at any step of changing a SharedDict: nobody is harmed or held up (P2)."""

from __future__ import annotations

import random
import signal
import time
from typing import Any

import pytest

import interlock
from interlock.testing import kill_at
from tests.faults.stage import Stage
from tests.faults.survivor import STALL_S
from tests.faults.turns.others import Others, wait_for_end

METHODS = ["fork", "spawn", "forkserver"]
POINTS = ["map.written", "map.committed", "map.prepared", "map.switched"]
KILLS = [40, pytest.param(400, marks=pytest.mark.campaign)]
SEED = 20_261_130
LARGE = 9_000  # bytes; some of them fill a space, so that it is left


class Table:
    """What is in the dict: keys whose value is one byte, many times, and a sum."""

    def __init__(self, context: Any) -> None:
        self.shared = context.SharedDict({"stays": b"s" * LARGE, "sum": 0})

    def change(self) -> bool:
        """Store, add up, take out, as any user does; and it must not take long."""
        begun = time.monotonic()
        number = self.shared.update_with("sum", lambda value: value + 1)
        self.shared[("key", number % 7)] = bytes([number % 256]) * LARGE
        self.shared.pop(("key", (number + 3) % 7), None)
        if number % 50 == 0:
            self.shared.setdefault("new", b"n" * LARGE)
        assert time.monotonic() - begun < STALL_S
        return False

    def look(self) -> bool:
        """Every value is one that somebody stored, and what nobody changes is there."""
        begun = time.monotonic()
        snapshot = self.shared.snapshot()
        assert snapshot["stays"] == b"s" * LARGE
        assert isinstance(snapshot["sum"], int)
        for key, value in snapshot.items():
            assert key == "sum" or (len(value) == LARGE and len(set(value)) == 1), key
        assert time.monotonic() - begun < STALL_S
        return False

    def check(self) -> None:
        """After a death: it says how much it has, and that is what there is."""
        self.change()
        self.look()
        assert len(self.shared) == len(self.shared.snapshot())

    def state(self) -> object:
        """What a failure shows."""
        return len(self.shared), sorted(map(str, self.shared.keys()))


def change_and_die(table: Table, point: str, passes: int) -> None:
    """The child's work; it is killed at the point."""
    if point:
        kill_at(point, passes)
    while True:
        table.change()


def point_scenario(method: str, point: str, passes: int) -> bool:
    """Whether the child died at the point."""
    context: Any = interlock.get_context(method)
    table = Table(context)
    child = context.Process(target=change_and_die, args=(table, point, passes))
    with Others([table.look, table.change], table.state) as others:
        child.start()
        wait_for_end(child)
        others.wait_for_turns(6)
    table.check()
    return bool(child.exitcode == -signal.SIGKILL)


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("method", METHODS)
def test_a_kill_at_any_step_harms_nobody(method: str, point: str, with_crash_points: Stage) -> None:
    """P2, P3: the change was made or not, and others go on at once."""
    passes = random.Random(f"{SEED} {method} {point}").randrange(20)
    assert with_crash_points.run(point_scenario, method, point, passes), f"not come to {point}"


def chance_scenario(seed: int, kills: int) -> int:
    """Kills at random moments; the sum in the end."""
    chance = random.Random(seed)
    context: Any = interlock.get_context("fork")
    table = Table(context)
    for _ in range(kills):
        child = context.Process(target=change_and_die, args=(table, "", 0))
        with Others([table.look, table.change], table.state) as others:
            child.start()
            others.wait_for_turns(chance.randrange(1, 60))
            child.kill()
            child.join()
            others.wait_for_turns(3)
        table.check()
    return int(table.shared["sum"])


@pytest.mark.parametrize("kills", KILLS)
def test_random_kills_of_who_changes_it(kills: int, as_shipped: Stage) -> None:
    """P2: all of them on one dict, which is as good as new in the end."""
    print(f"seed {SEED}")
    assert as_shipped.run(chance_scenario, SEED, kills, bound_s=60.0 + kills) > kills
