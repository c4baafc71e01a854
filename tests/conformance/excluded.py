"""The tests of the standard library that Interlock does not run, each with its reason."""

from __future__ import annotations

from tests.conformance.runs import Case

EXCLUDED: dict[str, str] = {}


def excluded_tests(case: Case, tests: list[str]) -> list[str]:
    """The ids of the tests of a class that are not run."""
    return [test for name in tests if (test := f"{case.name}.{name}") in EXCLUDED]
