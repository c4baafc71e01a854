"""A SharedDict among several processes, some of which are killed, does what a dict does (P2)."""

from __future__ import annotations

import itertools
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from interlock import SharedDict
from tests.synchronize.models.crew import SETTINGS, Crew, until

HANDS = 3
WHO = st.integers(0, HANDS - 1)
KEYS = st.sampled_from(["a", "b", b"a", 1, -(10**20), ("a", 1), ()])
VALUES = st.one_of(
    st.integers(), st.text(max_size=5), st.sampled_from([b"x" * 30_000, b"y" * 70_000, None, [1]])
)
GONE = "there is no such key"


def put(shared: SharedDict[Any], key: Any, value: Any) -> None:
    shared[key] = value


def get(shared: SharedDict[Any], key: Any) -> Any:
    return shared.get(key, GONE)


def pop(shared: SharedDict[Any], key: Any) -> Any:
    return shared.pop(key, GONE)


def pop_item(shared: SharedDict[Any]) -> Any:
    try:
        return shared.pop_item()
    except KeyError:
        return None


def add(shared: SharedDict[Any], key: Any) -> Any:
    return shared.update_with(key, lambda value: [value], GONE)


def compare_and_set(shared: SharedDict[Any], key: Any, expected: Any, value: Any) -> Any:
    return shared.compare_and_set(key, expected, value)


def setdefault(shared: SharedDict[Any], key: Any, value: Any) -> Any:
    return shared.setdefault(key, value)


def clear(shared: SharedDict[Any]) -> None:
    shared.clear()


def snapshot(shared: SharedDict[Any]) -> Any:
    return shared.snapshot()


def change_much(shared: SharedDict[Any]) -> None:
    """What a hand is at when it is killed."""
    for number in itertools.count():
        shared["its own"] = number
        shared[("its own", number % 3)] = bytes([number % 256]) * 20_000
        shared.pop(("its own", (number + 1) % 3), None)


class DictModel(RuleBasedStateMachine):
    """A dict of this process, beside the one that the hands share."""

    crew: Crew

    @initialize(bound=st.sampled_from([1 << 20, 1 << 30]))
    def begin(self, bound: int) -> None:
        self.shared: SharedDict[Any] = SharedDict(max_bytes=bound)
        self.model: dict[Any, Any] = {}
        self.crew = Crew(self.shared, HANDS)

    @rule(who=WHO, key=KEYS, value=VALUES)
    def put(self, who: int, key: Any, value: Any) -> None:
        self.crew.hands[who].do(put, key, value)
        self.model[key] = value

    @rule(who=WHO, key=KEYS)
    def get(self, who: int, key: Any) -> None:
        assert self.crew.hands[who].do(get, key) == self.model.get(key, GONE)

    @rule(who=WHO, key=KEYS)
    def pop(self, who: int, key: Any) -> None:
        assert self.crew.hands[who].do(pop, key) == self.model.pop(key, GONE)

    @rule(who=WHO)
    def pop_item(self, who: int) -> None:
        taken = self.crew.hands[who].do(pop_item)
        assert (taken is None) == (not self.model)
        if taken is not None:
            assert self.model.pop(taken[0]) == taken[1]

    @rule(who=WHO, key=KEYS)
    def update_with(self, who: int, key: Any) -> None:
        self.model[key] = [self.model.get(key, GONE)]
        assert self.crew.hands[who].do(add, key) == self.model[key]

    @rule(who=WHO, key=KEYS, expected=VALUES, value=VALUES, right=st.booleans())
    def compare_and_set(self, who: int, key: Any, expected: Any, value: Any, right: bool) -> None:
        if right:
            expected = self.model.get(key, expected)
        changes = key in self.model and self.model[key] == expected
        assert self.crew.hands[who].do(compare_and_set, key, expected, value) is changes
        if changes:
            self.model[key] = value

    @rule(who=WHO, key=KEYS, value=VALUES)
    def setdefault(self, who: int, key: Any, value: Any) -> None:
        assert self.crew.hands[who].do(setdefault, key, value) == self.model.setdefault(key, value)

    @rule(who=WHO)
    def clear(self, who: int) -> None:
        self.crew.hands[who].do(clear)
        self.model.clear()

    @rule(who=WHO, more=st.integers(0, 60))
    def kill_in_the_middle(self, who: int, more: int) -> None:
        """Its own keys are as it left them, whole; all others are untouched."""
        hand = self.crew.hands[who]
        hand.begin(change_much)
        until(lambda: self.shared.get("its own", 0) >= more, self.shared.keys)
        self.crew.replace(who)
        own = {
            key: value
            for key, value in self.shared.items()
            if key == "its own" or (isinstance(key, tuple) and key[:1] == ("its own",))
        }
        for key, value in own.items():
            whole = isinstance(value, int) or (len(value) == 20_000 and len(set(value)) == 1)
            assert whole, key
            del self.shared[key]

    @invariant()
    def all_see_the_same(self) -> None:
        if not hasattr(self, "crew"):
            return
        assert len(self.shared) == len(self.model)
        assert self.shared.snapshot() == self.model
        assert self.crew.hands[0].do(snapshot) == self.model

    def teardown(self) -> None:
        if hasattr(self, "crew"):
            self.crew.end()


DictModel.TestCase.settings = settings(SETTINGS, max_examples=30, stateful_step_count=30)
TestSharedDict = DictModel.TestCase
