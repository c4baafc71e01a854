"""The style guide as a test: `python tools/tidy.py` lists what departs from it.

Prints ``file:line: message`` for each finding and exits 1 when there is one.
What is TOLD only (sizes, orders without a SYNC name) is printed as a warning and
does not fail. The checks are in tidy_checks/, the excuses in
tidy_checks/reasons.py, a good and a bad sample of each in tests/tidy/.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from tidy_checks import banned, documented, layers, protocols, readmes, sizes
from tidy_checks.repository import Finding, Repository, unparsed

Check = Callable[[Repository], Iterable[Finding]]

ENFORCED: tuple[Check, ...] = (
    unparsed,
    layers.python_imports,
    layers.cpp_includes,
    documented.documented,
    protocols.texts_of_headers,
    protocols.tests_of_headers,
    protocols.sync_pairs,
    protocols.weak_orders,
    protocols.invariants,
    banned.sleeps,
    banned.silent_excepts,
    banned.grab_bags,
    banned.unpickling,
    banned.silent_asserts,
    banned.foreign_atomics,
    readmes.same_headings,
)
TOLD: tuple[Check, ...] = (sizes.sizes,)


def findings(repository: Repository, checks: Iterable[Check] = ENFORCED) -> list[Finding]:
    """All findings of the checks, sorted by place."""
    return sorted({finding for check in checks for finding in check(repository)})


def main(arguments: list[str]) -> int:
    root = Path(arguments[0]) if arguments else Path(__file__).resolve().parent.parent
    repository = Repository(root)
    for finding in findings(repository, TOLD):
        print(f"warning: {finding}")
    found = findings(repository)
    for finding in found:
        print(finding)
    print(
        f"tidy: {len(found)} finding(s) in {len(repository.sources)} files, {len(ENFORCED)} checks"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
