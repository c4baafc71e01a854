"""A managed list is a list."""

from __future__ import annotations

import random
from typing import Any

import pytest

from interlock.managers.memory.list import SharedList
from interlock.managers.memory.list_turn import RUNS_MAX

SEED = 20_261_128
STEPS = 3_000


def act(target: Any, what: int, step: int, spots: tuple[int, int, int | None]) -> Any:
    """One call, and what came of it."""
    first, last, stride = spots
    try:
        return _ACTIONS[what % len(_ACTIONS)](target, step, first, slice(first, last, stride))
    except (IndexError, ValueError) as error:
        return type(error), str(error)


def _set(target: Any, at: Any, value: Any) -> None:
    target[at] = value


def _delete(target: Any, at: Any) -> None:
    del target[at]


_ACTIONS: list[Any] = [
    lambda target, step, at, part: target.append(step),
    lambda target, step, at, part: target.insert(at, step),
    lambda target, step, at, part: target.pop(at),
    lambda target, step, at, part: _set(target, at, step),
    lambda target, step, at, part: _delete(target, at),
    lambda target, step, at, part: _delete(target, part),
    lambda target, step, at, part: _set(target, slice(at, part.stop), [step, step + 1, step + 2]),
    lambda target, step, at, part: _set(target, part, [step, step]),
    lambda target, step, at, part: target.reverse(),
    lambda target, step, at, part: target.sort(key=lambda each: each % 7, reverse=at % 2 == 0),
    lambda target, step, at, part: target.extend(range(step, step + 5)),
    lambda target, step, at, part: target.remove(step - 1),
    lambda target, step, at, part: target[part],
    lambda target, step, at, part: target[at],
    lambda target, step, at, part: target.index(step - 3),
    lambda target, step, at, part: (step - 2 in target, target.count(step - 2), len(target)),
]


def test_it_is_a_list() -> None:
    """P1: against `list` itself, errors included; and nothing is left over in its memory."""
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    shared, model = SharedList([1, 2, 3]), [1, 2, 3]
    for step in range(STEPS):
        what, size = chance.randrange(100), len(model)
        first, last = (chance.randrange(-size - 2, size + 3) for _ in range(2))
        spots = (first, last, chance.choice([1, 1, 1, 2, -1, 3, None]))
        assert act(shared, what, step, spots) == act(model, what, step, spots), (step, what, spots)
        if step % 20 == 0:
            assert shared.copy() == model == list(shared)
            del model[300:], shared[300:]
    assert shared._map._count() == len(model) + 1


def test_operators() -> None:
    """P1: +, *, +=, *=, and what they give."""
    shared: Any = SharedList([1, 2])
    assert (shared * 2, 2 * shared) == ([1, 2] * 2, [1, 2] * 2)
    assert shared.__add__([3]) == [1, 2, 3]
    assert shared + SharedList([3]) == [1, 2, 3]
    same = shared
    shared += (3,)
    shared *= 2
    assert shared is same
    assert shared.copy() == [1, 2, 3] * 2
    assert list(reversed(shared)) == [3, 2, 1] * 2
    shared *= 0
    assert shared.copy() == []
    with pytest.raises(IndexError, match="pop from empty list"):
        shared.pop()


def test_many_changes_in_the_middle_keep_its_order_short() -> None:
    """Its order is written anew as one run before it has too many."""
    shared, model, chance = SharedList(range(50)), list(range(50)), random.Random(SEED)
    for number in range(2 * RUNS_MAX):
        at = chance.randrange(len(model))
        shared.insert(at, number)
        model.insert(at, number)
    assert shared.copy() == model
    root = shared._map._get(-1)
    assert root is not None
    assert len(root) <= 8 + 16 * RUNS_MAX


def test_a_key_that_changes_the_list_is_told() -> None:
    """P3: the sorting thread has its turn again, and nothing is lost."""
    shared = SharedList([3, 1, 2])

    def key(number: int) -> int:
        shared.append(number)
        return number

    with pytest.raises(ValueError, match="modified"):
        shared.sort(key=key)
    assert shared.copy() == [3, 1, 2, 3, 1, 2]
