"""Sums over results, by one convention.

A result that is a number counts under the name `result`; one that is a dict counts
each of its members:

- a number is summed; of a boolean the true ones are counted;
- under a name that has one of the words of GREATEST in it (`longest_function`,
  `max_depth`), the greatest is kept, and the input it came from;
- a dict under such a name is compared by its first number, and its other numbers
  and texts are shown beside it: {"longest_function": {"lines": 120, "name": "run"}}.

All else (texts, lists, other dicts) is in the results file only.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

__all__ = ["Greatest", "Measure", "Totals", "measures"]

GREATEST = frozenset(
    {"longest", "largest", "greatest", "biggest", "highest", "most", "max", "maximum"}
)
TOTALS_MAX = 200  # names in all
NAMES_MAX = 50  # members of a result that are totalled; a table is no place for more

Measure = tuple[str, bool, float, str]
"""A name, whether its greatest (else its sum) is wanted, the number, what to show beside it."""


def measures(result: object) -> list[Measure]:
    """The numbers in a result that can be totalled, by the convention above."""
    if is_number(result):
        return [("result", False, result, "")]
    found: list[Measure] = []
    if isinstance(result, dict):
        for name, value in result.items():
            if isinstance(name, str) and len(found) < NAMES_MAX:
                found += _measure(name, value)
    return found


def _measure(name: str, value: Any) -> list[Measure]:
    greatest = not GREATEST.isdisjoint(re.split(r"[\W_]+", name.lower()))
    if is_number(value):
        return [(name, greatest, value, "")]
    if greatest and isinstance(value, dict):
        return _of_dict(name, value)
    return []


def _of_dict(name: str, value: dict[Any, Any]) -> list[Measure]:
    numbers = [(unit, number) for unit, number in value.items() if is_number(number)]
    if not numbers:
        return []
    unit, number = numbers[0]
    others = [str(other) for key, other in value.items() if key != unit and shown(other)]
    return [(name, True, number, ", ".join([str(unit), *others]))]


def is_number(value: object) -> TypeGuard[float]:
    """Whether a value can be summed; not the numbers of other libraries."""
    return type(value) in (int, float, bool)


def shown(value: object) -> bool:
    """Whether a value can stand beside a number in a table."""
    return is_number(value) or isinstance(value, str)


@dataclass
class Greatest:
    """The greatest number under a name, what belongs to it, and which input it is of."""

    number: float
    beside: str
    index: int
    given: str = ""


@dataclass
class Totals:
    """The sums and the greatest numbers so far, by name, in order of appearance."""

    sums: dict[str, float] = field(default_factory=dict)
    greatest: dict[str, Greatest] = field(default_factory=dict)

    def add(self, index: int, found: Sequence[Measure], given: str = "") -> None:
        """Count what was measured in the result of one input.

        Names beyond the first TOTALS_MAX are left out: results without end may have names
        without end.
        """
        for name, keep_greatest, number, beside in found:
            kept: dict[str, Any] = self.greatest if keep_greatest else self.sums
            if name not in kept and len(kept) >= TOTALS_MAX:
                continue
            if not keep_greatest:
                self.sums[name] = self.sums.get(name, 0) + number
                continue
            best = self.greatest.get(name)
            # The earlier input wins a draw, so that the table does not depend on chance.
            if best is None or (number, -index) > (best.number, -best.index):
                self.greatest[name] = Greatest(number, beside, index, given)
