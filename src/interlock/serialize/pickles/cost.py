"""What a pickle may cost: values, copies, and steps of hashing, counted before they are spent.

A few bytes can ask for much. Each kind of amplification has a count of its own:

values   Each opcode that puts something on the stack counts. The memo never has more
         entries than that. Containers and objects are heavier: a quarter of ``max_items``.
copies   Bytes that a constructor copies from what is already there count as ``max_bytes``.
hashing  A tuple keeps no hash, so that one doubled 40 times costs 2**40 steps as a key. What
         a hash will visit is walked first, without recursion, and counted. Steps are allowed
         in proportion to the size of the pickle.
equality Keys of one hash are compared with each other, which is quadratic. Numbers can be
         chosen so (multiples of 2**61 - 1); texts cannot, as their hashes are random.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal
from fractions import Fraction
from types import GenericAlias
from typing import Any

from interlock.serialize.limits import Limits
from interlock.serialize.pickles.refused import Refused

__all__ = ["Cost"]

COLLISIONS_MAX = 64  # keys of one hash in one container
STEPS_LEAST = 300_000  # some 0.3 s, as each is one of Python
STEPS_A_BYTE = 16
DECIMAL_STEPS = 64  # of one with most digits
MADE_LEAST = 1000
_MODULUS = 2**61 - 1  # hashes of numbers are taken modulo this
_RAISE = "If the sender is known to send such, give limits=Limits({}=...)."


class Cost:
    """What one pickle has spent."""

    def __init__(self, limits: Limits, size: int) -> None:
        self._limits = limits
        self._values_max = limits.max_items + 1  # the whole is no item
        self._made_left = max(MADE_LEAST, limits.max_items // 4)
        self._bytes_left = limits.max_bytes - size
        self._steps_left = STEPS_LEAST + STEPS_A_BYTE * size
        self._same_hash: dict[int, dict[int, int]] = {}
        self.values = 0

    def one_value(self) -> None:
        """A value is about to be put on the stack; the most frequent case by far."""
        if self.values < self._values_max:
            self.values += 1
        else:
            self.value()

    def value(self, count: int = 1) -> None:
        """Values are about to be put on the stack, or into a container by a copy."""
        self.values += count
        if self.values > self._values_max:
            raise Refused(
                f"There are more than {self._limits.max_items} values (max_items)",
                _RAISE.format("max_items"),
            )

    def container(self) -> None:
        """A list, dict, set or object is about to be made."""
        self._made_left -= 1
        if self._made_left < 0:
            raise Refused(
                "There are more containers and objects than a quarter of "
                f"{self._limits.max_items} (max_items)",
                _RAISE.format("max_items"),
            )

    def copied(self, count: int) -> None:
        """Bytes are about to be copied, or have come beside the pickle."""
        self._bytes_left -= count
        if self._bytes_left < 0:
            raise Refused(
                f"It takes more than {self._limits.max_bytes} bytes (max_bytes)",
                _RAISE.format("max_bytes"),
            )

    def work(self, steps: int) -> None:
        """A constructor is about to take more time than its bytes say."""
        self._steps_left -= steps
        if self._steps_left < 0:
            raise Refused("Its numbers take more work than a pickle of its size may ask for")

    def keys(self, container: object, keys: Iterable[Any]) -> None:
        """Keys are about to be hashed, and put into a container that stays alive."""
        for key, steps in self._weighed(keys):
            self._same(self._same_hash.setdefault(id(container), {}), key, steps)

    def new_keys(self, keys: Iterable[Any]) -> None:
        """Keys are about to be hashed, all that a container will have when it is made."""
        same: dict[int, int] = {}
        for key, steps in self._weighed(keys):
            self._same(same, key, steps)

    def _weighed(self, keys: Iterable[Any]) -> Iterator[tuple[Any, int]]:
        """Counts the steps to hash each key; those whose hash others may have, with the steps."""
        for key in keys:
            kind = type(key)
            if kind in _RANDOM:
                self._step(1 + (len(key) >> 6))  # compared when there is an equal one
            elif kind in _SPREAD or (kind is int and -_MODULUS < key < _MODULUS):
                self._step(1)
            else:
                steps = self._weigh(key)
                self._step(steps)
                yield key, steps

    def _same(self, same: dict[int, int], key: Any, steps: int) -> None:
        code = hash(key)
        count = same[code] = same.get(code, 0) + 1
        if count > COLLISIONS_MAX:
            raise Refused(
                f"More than {COLLISIONS_MAX} keys of one container have one and the same hash"
            )
        self._step(steps * count)

    def _step(self, count: int) -> None:
        self._steps_left -= count
        if self._steps_left < 0:
            raise Refused("Its keys take more work to hash than a pickle of its size may ask for")

    def _weigh(self, key: Any) -> int:
        """How many values a hash of it visits, as often as it visits them."""
        pending = [(key, 1)]
        steps = 0
        while pending:
            value, depth = pending.pop()
            parts = _hashed_parts(value)
            steps += _own_steps(value)
            if steps + len(parts) > self._steps_left:
                self._step(steps + len(parts))
            if parts and depth > self._limits.max_depth:
                raise Refused(
                    f"A key is nested more than {self._limits.max_depth} deep (max_depth)"
                )
            pending.extend((part, depth + 1) for part in parts)
        return steps


_RANDOM = (str, bytes)
# Their hashes are their own, or shared by a few only.
_SPREAD = (bool, float, type(None))


def _own_steps(value: Any) -> int:
    if isinstance(value, Fraction):
        return 1 + ((value.numerator.bit_length() + value.denominator.bit_length()) >> 6)
    if isinstance(value, Decimal):
        return DECIMAL_STEPS
    if isinstance(value, int):
        return 1 + (int.bit_length(value) >> 6)
    if isinstance(value, str | bytes):
        return 1 + (len(value) >> 6)
    return 1


def _hashed_parts(value: Any) -> tuple[Any, ...]:
    """What a value's hash is made of, where that is other values.

    A class whose hash is a function written by hand is its author's, who was allowed.
    """
    hashed: Any = type(value).__hash__
    if hashed is tuple.__hash__:
        return tuple(tuple.__iter__(value))
    if hashed is frozenset.__hash__:
        return tuple(frozenset.__iter__(value))
    if isinstance(value, GenericAlias):
        return value.__origin__, value.__args__
    if isinstance(value, slice):
        return value.start, value.stop, value.step
    if hashed is not object.__hash__ and dataclasses.is_dataclass(type(value)):
        return _fields(value, type(value).__dataclass_fields__)
    return ()


def _fields(value: Any, fields: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(
        getattr(value, name, None)
        for name, field in fields.items()
        if (field.compare if field.hash is None else field.hash)
    )
