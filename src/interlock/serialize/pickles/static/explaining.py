"""`explain_pickle`: goes through a pickle, and through those that follow it.

A program that reads a file in a loop may keep one unpickler, whose memo goes on from pickle to
pickle, or take a new one each time. A number of the memo then means different things, and a
pickle may use that to look harmless. So where several pickles follow each other, all are gone
through twice, once each way, and what is found either way is told.
"""

from __future__ import annotations

from collections.abc import Iterable

from interlock.errors import DecodeError
from interlock.serialize.limits import Limits
from interlock.serialize.pickles.static import constants, containers, effects
from interlock.serialize.pickles.static.findings import Exhausted, Findings
from interlock.serialize.pickles.static.known import Known
from interlock.serialize.pickles.static.operands import Cursor
from interlock.serialize.pickles.static.rendering import shown
from interlock.serialize.pickles.static.report import PickleReport, Verdict
from interlock.serialize.pickles.static.symbolic import Budget, Machine, run
from interlock.serialize.pickles.static.values import Value

__all__ = ["TIME_MAX_S", "explain_pickle"]

TIME_MAX_S = 1.5
_TABLE = {**constants.TABLE, **containers.TABLE, **effects.TABLE}


def explain_pickle(
    data: bytes | bytearray | memoryview,
    *,
    registered: Iterable[str] = (),
    limits: Limits | None = None,
    time_max_s: float = TIME_MAX_S,
) -> PickleReport:
    """Say what a pickle would do if it were loaded. Nothing named in it is imported or called.

    The pickle may be of any protocol and from any source. Bytes that are damaged, or no pickle
    at all, raise nothing: the report says so, with what was seen before.

    Args:
        data: The pickle, and any that follow it.
        registered: Names, as ``module:qualname``, that count as registered beside the
            standard library's types of plain values (datetime, Decimal, UUID, deque, ...).
        limits: How much to look at: ``max_bytes`` in all, and ``max_items`` opcodes.
            The other limits are not used. `Limits` has the defaults.
        time_max_s: How many seconds to look; 1.5 by default, enough for about a million
            opcodes. What is not done then has the verdict "beyond the limits".

    Returns:
        The report. Its verdict is "plain data" or "registered types only" just where a
        loader would call nothing but registered names.

    Raises:
        ValueError: A registered name is not of the form ``module:qualname``.

    Example:
        >>> import pickle
        >>> str(explain_pickle(pickle.dumps([1, "two"])).verdict)
        'plain data'
        >>> report = explain_pickle(b"cos\\nsystem\\n(V ls -lh\\ntR.")
        >>> str(report.verdict), report.calls[0].text
        ('would run code', "os.system(' ls -lh')")
    """
    limits = Limits() if limits is None else limits
    known, findings, size = Known(registered), Findings(), memoryview(data).nbytes
    if size > limits.max_bytes:
        findings.note_damage(f"more than max_bytes ({limits.max_bytes})", limits.max_bytes)
        findings.beyond_limits = True
        return _report(findings, size, [])
    whole, budget = bytes(data), Budget(limits.max_items, time_max_s)
    ends = _explain(whole, findings, known, budget, keep_memo=False)
    if ends and ends[0] < size:
        _explain(whole, findings, known, budget, keep_memo=True)
    return _report(findings, size, ends)


def _explain(
    data: bytes, findings: Findings, known: Known, budget: Budget, *, keep_memo: bool
) -> list[int]:
    """Go through all pickles; the byte after each one that is whole."""
    cursor, ends = Cursor(data), list[int]()
    memo: dict[int, Value] = {}
    try:
        while not ends or cursor.at < cursor.end:
            memo = memo if keep_memo else {}
            machine = Machine(cursor, memo, findings, known)
            value = run(machine, _TABLE, budget)
            findings.values.setdefault(len(ends), shown(value))
            if not ends:
                findings.protocol = machine.protocol
            ends.append(cursor.at)
    except DecodeError as error:
        findings.note_damage(str(error), cursor.end if error.offset is None else error.offset)
        findings.beyond_limits |= isinstance(error, Exhausted)
    return ends


def _report(findings: Findings, size: int, ends: list[int]) -> PickleReport:
    concerns = sorted(findings.concerns.items(), key=lambda item: item[1])
    return PickleReport(
        verdict=_verdict(findings),
        reasons=tuple(f"It {reason} (byte {offset})." for reason, offset in concerns),
        size=size,
        protocol=findings.protocol,
        pickles=len(ends),
        trailing_bytes=size - ends[0] if ends else 0,
        globals=tuple(sorted(findings.globals.values(), key=lambda found: found.offset)),
        calls=tuple(sorted(findings.calls.values(), key=lambda call: call.offset)),
        persistent_ids=tuple(findings.persistent_ids.values()),
        buffers=len(findings.buffers),
        values=tuple(findings.values[index] for index in sorted(findings.values)),
        damage=findings.damage,
    )


def _verdict(findings: Findings) -> Verdict:
    """What would run runs before a loader comes to the damage, so it is told first."""
    if findings.concerns:
        return Verdict.RUNS_CODE
    if findings.beyond_limits:
        return Verdict.BEYOND_LIMITS
    if findings.damage is not None:
        return Verdict.DAMAGED
    return Verdict.REGISTERED_TYPES if findings.globals else Verdict.PLAIN_DATA
