"""Writes docs/contexts.md: what each context promises, from the promises and `differences.py`.

    python -m tests.conformance.contexts.table

The suite tries every cell: one that says "yes" must be kept, and one that says otherwise must not.
"""

from __future__ import annotations

import re
from pathlib import Path

from tests.conformance.contexts.differences import ABSENT, DIFFERS, LACKS, RACES
from tests.conformance.contexts.promise import Promise
from tests.conformance.contexts.promises import PROMISES
from tests.conformance.contexts.subjects import SUBJECTS

__all__ = ["PLACE", "table"]

PLACE = Path(__file__).parents[3] / "docs" / "contexts.md"

_HEAD = """\
# What each context promises

Made by `make contexts` from the conformance suite (`tests/conformance/contexts`), which `make test`
runs on every context that is installed: a *yes* is a promise that was kept there, and whatever else
is said here was seen not to be. `multiprocessing` (by fork) and `multiprocessing.dummy` run through
the same suite, as a check of it. How to choose is in [guide/contexts.md](guide/contexts.md).

*yes*: it works. A number: it differs, as the note below says. *no*: it is not available, and the
number says what to use instead. What would end, or occupy for ever, the very process that tries it
is not tried. The suite was not run on `interpreter`, which needs Python 3.14: the guide says what
was.
"""


def table() -> str:
    """The whole page."""
    notes: list[str] = []
    parts = [_HEAD]
    for area in dict.fromkeys(promise.area for promise in PROMISES):
        parts.append(f"\n## {area.capitalize()}\n")
        parts.append(f"| promise | {' | '.join(SUBJECTS)} |")
        parts.append(f"|---|{'---|' * len(SUBJECTS)}")
        for promise in PROMISES:
            if promise.area == area:
                cells = [_cell(promise, name, notes) for name in SUBJECTS]
                said = promise.name.replace("_s_", "'s ").replace("_", " ")
                parts.append(f"| **{said}**. {promise.text} | {' | '.join(cells)} |")
    parts.append("\n## Notes\n")
    parts += [f"{number}. {note}" for number, note in enumerate(notes, 1)]
    return "\n".join(parts) + "\n"


def _cell(promise: Promise, name: str, notes: list[str]) -> str:
    missing = [need for need in promise.needs if need in ABSENT.get(name, {})]
    if missing:
        return f"no ({_noted(f'Use {ABSENT[name][missing[0]]}.', notes)})"
    instead = LACKS.get(name, {}).get(promise.key)
    if instead is not None:
        return f"no ({_noted(f'Use {instead}.', notes)})"
    how = DIFFERS.get(name, {}).get(promise.key)
    if how is None:
        return "yes"
    race = " A race decides." if promise.key in RACES.get(name, ()) else ""
    begins = how if re.match(r"\w+\(", how) else how[0].upper() + how[1:]
    return str(_noted(f"{begins}.{race}", notes))


def _noted(note: str, notes: list[str]) -> int:
    if note not in notes:
        notes.append(note)
    return notes.index(note) + 1


if __name__ == "__main__":
    PLACE.write_text(table(), encoding="utf-8")
