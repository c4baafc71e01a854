"""What `--dry-run` says: what would be done."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from itertools import islice

from interlock.cli.map.inputs.sources import Inputs
from interlock.cli.map.results import Held
from interlock.cli.map.settings import Settings
from interlock.cli.map.table import printable, short
from interlock.cli.map.work.function import MappedFunction
from interlock.cli.map.work.outcome import to_json
from interlock.cli.map.work.program import Program

__all__ = ["plan"]

SHOWN = 3


def plan(
    function: MappedFunction | Program,
    inputs: Inputs,
    settings: Settings,
    out: str,
    held: Held | None,
) -> Iterator[str]:
    """The lines that tell it; standard input is not read for it, and nothing is run or written.

    Args:
        function: What would be run.
        inputs: On what.
        settings: How.
        out: Where the results would go.
        held: What these hold already; None for a run that begins anew.
    """
    yield f"would run: {function}"
    yield f"inputs: {_many(inputs)}"
    left, skipped = _first(inputs, held)
    for given in left:
        what = function.words_for(given) if isinstance(function, Program) else None
        shown = to_json(given) if what is None else shlex.join(what)
        yield f"  {printable(short(shown, ''))}"
    yield f"workers: {_workers(settings)}"
    if settings.said():
        yield f"options: {', '.join(settings.said())}"
    if held is None:
        yield f"results: {out}, begun anew"
    else:
        yield f"results: {out}, which has {held.total} already; {skipped} inputs would be skipped"
    yield "nothing was run, and nothing written"


def _workers(settings: Settings) -> str:
    most = "those of the cluster"
    if settings.workers is not None:
        most = f"{settings.workers} at the most"
    at = "" if settings.address is None else f" at {settings.address}"
    return f"{most}, by {settings.context}{at}"


def _many(inputs: Inputs) -> str:
    if inputs.total is not None:
        return f"{inputs.total}, the first of them"
    named = ", ".join(source.named for source in inputs.sources if source.total is None)
    return f"as many as {named} gives"


def _first(inputs: Inputs, held: Held | None) -> tuple[list[object], int | str]:
    """The first inputs that would be run, and how many would be skipped."""
    known = [source for source in inputs.sources if source.total is not None]
    found: list[object] = []
    if held is None:
        return list(islice(Inputs(known).each(), SHOWN)), 0
    skipped = 0
    for given in Inputs(known).each():
        if held.take(given):
            skipped += 1
        elif len(found) < SHOWN:
            found.append(given)
    return found, skipped if len(known) == len(inputs.sources) else f"at least {skipped}"
