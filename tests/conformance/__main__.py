"""The conformance tests without pytest: to look closer, and to measure.

    python -m tests.conformance [--subject PACKAGE] [--list] [--all] [PATTERN...]

PATTERN is one of a case (`fork-WithProcessesTestQueue`, `*-TestWait`); without any,
all are run. `--subject multiprocessing` runs the standard library's tests on itself:
what fails there is no fault of ours. `--all` runs the excluded tests too.
"""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import sys
import time
from collections.abc import Iterator

from tests.conformance.excluded import excluded_tests
from tests.conformance.runs import Case, Outcome, Runs, Suite
from tests.conformance.suite import DEFAULT_SUBJECT, temporary_suite


def main(arguments: list[str]) -> int:
    """Run what the command line names; the exit status is 1 if a test failed."""
    parser = argparse.ArgumentParser(prog="python -m tests.conformance")
    parser.add_argument("--subject", default=DEFAULT_SUBJECT)
    parser.add_argument("--list", action="store_true", help="name the cases, run nothing")
    parser.add_argument("--all", action="store_true", help="run the excluded tests too")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("patterns", nargs="*", default=["*"])
    options = parser.parse_args(arguments)
    with temporary_suite(options.subject) as suite:
        cases = {
            case: [] if options.all else excluded_tests(case, tests)
            for case, tests in suite.classes().items()
            if any(fnmatch.fnmatch(str(case), pattern) for pattern in options.patterns)
        }
        if options.list:
            print(*cases, sep="\n")
            return 0
        return run(suite, cases, options.at_once)


def run(suite: Suite, cases: dict[Case, list[str]], at_once: int) -> int:
    """Run the cases and print what became of each."""
    began = time.monotonic()
    failures = 0
    with contextlib.closing(Runs(suite, cases, at_once=at_once)) as runs:
        for case in cases:
            outcome = runs.outcome(case)
            failures += len(outcome.failed)
            print(*lines(outcome), sep="\n", flush=True)
    print(f"{len(cases)} classes, {failures} failures, {time.monotonic() - began:.0f} s")
    return 1 if failures else 0


def lines(outcome: Outcome) -> Iterator[str]:
    """The outcome in words."""
    yield (
        f"{outcome.total_s:7.1f} s  {outcome.case}: {len(outcome.passed)} passed, "
        f"{len(outcome.skipped)} skipped, {len(outcome.failed)} failed"
    )
    for test, reason in outcome.skipped.items():
        yield f"    skipped {test}: {reason}"
    for test, reason in outcome.failed.items():
        yield f"    FAILED {test}"
        yield from (f"        {line}" for line in reason.splitlines())
    if outcome.failed:
        yield "    its output:"
        yield from (f"        {line}" for line in outcome.log.splitlines()[-80:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
