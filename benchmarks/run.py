"""Measures Interlock beside its peers and prints the table: `python -m benchmarks.run`.

Per workload, each contestant's count of messages is chosen so that a round
takes about half a second (that trial is its warm-up and is not counted), then
the rounds are interleaved: A B C, A B C ...; see README.md.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import ModuleType

from .harness import WrongResult
from .managers import WORKLOADS as REMOTE
from .peers import interlock_peer, stdlib
from .pools import WORKLOADS as POOLS
from .report import Result, Sample, as_json, rows_below, table
from .serializing import WORKLOADS as SERIALIZING
from .sharing import WORKLOADS as SHARING
from .turns import WORKLOADS as TURNS
from .waking import WORKLOADS as WAKING
from .workloads import WORKLOADS as MESSAGES
from .workloads import Measure, Workload

WORKLOADS: tuple[Workload, ...] = MESSAGES + TURNS + WAKING + SHARING + REMOTE + POOLS + SERIALIZING
PEERS: dict[str, ModuleType] = {peer.NAME: peer for peer in (stdlib, interlock_peer)}
ROUND_S = 0.5
TRIAL_S = 0.05


def main(arguments: list[str] | None = None) -> int:
    """The command; 0 when every message arrived right (and `--require` is met), else 1."""
    options = _options(arguments)
    warnings.simplefilter("ignore", DeprecationWarning)  # fork beside a peer's feeder thread
    results = []
    for workload in selected(options.only):
        print(f"{workload.name} ...", file=sys.stderr, flush=True)
        if workload.absent:
            print(f"left out, not installed: {', '.join(workload.absent)}", file=sys.stderr)
        try:
            results.append(_measure(workload, options))
        except LookupError as reason:
            print(f"skipped: {reason}", file=sys.stderr)
        except WrongResult as fault:
            print(f"{workload.name}: WRONG RESULT: {fault}", file=sys.stderr)
            return 1
    print(table(results, options.subject))
    if options.json:
        Path(options.json).write_text(as_json(results, options.subject), encoding="utf-8")
    if options.require and (below := rows_below(results, options.subject, options.require)):
        print(f"below the {options.require}: {', '.join(below)}", file=sys.stderr)
        return 1
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.run", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="rounds counted (default 5)")
    parser.add_argument("--only", nargs="+", metavar="WORD", help="workloads whose key has a WORD")
    parser.add_argument("--json", metavar="FILE", help="write all samples there")
    parser.add_argument("--require", choices=("least", "goal"), help="exit 1 where it is missed")
    parser.add_argument("--round-seconds", type=float, default=ROUND_S, metavar="S")
    parser.add_argument("--count", type=int, help="this many messages, and no trial (for tests)")
    parser.add_argument(
        "--subject", choices=tuple(PEERS), default=interlock_peer.NAME, help="who is measured"
    )
    parser.add_argument("--start-method", choices=("fork", "spawn", "forkserver"), default="fork")
    return parser.parse_args(arguments)


def selected(words: Sequence[str] | None) -> list[Workload]:
    """The workloads of these keys, or else those whose key has one of the words."""
    if not words:
        return list(WORKLOADS)
    exact = [workload for workload in WORKLOADS if workload.key in words]
    return exact or [work for work in WORKLOADS if any(word in work.key for word in words)]


def contestants(workload: Workload, subject: str, start_method: str) -> dict[str, Measure]:
    """Everybody who does this work, in the order of a round."""
    if workload.peer is None:
        return workload.references
    found: dict[str, Measure] = {
        stdlib.NAME: partial(workload.peer, stdlib.context(start_method)),
        # With the standard library on both sides the ratio shows the noise.
        _subject_label(subject): partial(workload.peer, PEERS[subject].context(start_method)),
    }
    return found | workload.references


def _subject_label(subject: str) -> str:
    return subject if subject != stdlib.NAME else f"{subject} again"


def _measure(workload: Workload, options: argparse.Namespace) -> Result:
    measures = contestants(workload, options.subject, options.start_method)
    samples: dict[str, list[Sample]] = {name: [] for name in measures}
    with workload.placement.neighbours():
        counts: dict[str, int] = {}
        for name, measure in measures.items():
            with _blamed(name):
                counts[name] = options.count or _count(workload, measure, options.round_seconds)
        for _ in range(options.rounds):
            for name, measure in measures.items():
                with _blamed(name):
                    samples[name].append(Sample(counts[name], measure(counts[name])))
    return Result(workload, samples)


@contextmanager
def _blamed(name: str) -> Iterator[None]:
    """A wrong result says whose it is."""
    try:
        yield
    except WrongResult as fault:
        raise WrongResult(f"{name}: {fault}") from fault


def _count(workload: Workload, measure: Measure, round_s: float) -> int:
    """How many units a round has; what is found out by is the warm-up."""
    if workload.fixed is not None:
        measure(workload.fixed)
        return workload.fixed
    return _calibrate(measure, round_s, workload.trial)


def _calibrate(measure: Measure, round_s: float, first: int = 1) -> int:
    """The count that takes about ``round_s``; trials grow until one is long enough to tell."""
    count = first
    while (seconds := measure(count)) < min(TRIAL_S, round_s):
        count *= 8
    return max(1, round(count * round_s / seconds))


if __name__ == "__main__":
    sys.exit(main())
