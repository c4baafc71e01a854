"""What the options of `interlock map` say, checked."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass

from interlock.cli.usage import Unusable, workers_from
from interlock.pool.limits import resident_bytes

__all__ = ["CLUSTERS", "CONTEXTS", "Settings", "address_from", "batch_from", "bytes_from",
           "context_from", "failures_from", "memory_limit_from", "retries_from", "seconds_from",
           "seed_from", "workers_from"]  # fmt: skip

CONTEXTS = ("fork", "spawn", "forkserver")
CLUSTERS = ("dask", "ray")  # contexts whose workers are a cluster's
BATCH_MAX = 10_000
SUFFIXES = {"": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


@dataclass(frozen=True)
class Settings:
    """How a run is to be done.

    Attributes:
        workers: Processes, at the most; None for as many as the cluster has CPUs.
        context: How they are started, or which cluster has them.
        address: Of the cluster; None for one that is started for the run.
        ordered: Whether the lines are in the order of the inputs.
        batch: Inputs that go to a worker together; None to have the pool choose.
        retries: How often an input that failed is tried again; None for once, after a
            worker's death only.
        timeout: Seconds that the function may take; None for any time.
        memory_limit: Bytes that a worker may have; None for any.
        failures_max: Failed inputs after which the run ends; None to go on to the end.
        seed: For random numbers; None to leave them alone.
    """

    workers: int | None
    context: str = "fork"
    address: str | None = None
    ordered: bool = False
    batch: int | None = None
    retries: int | None = None
    timeout: float | None = None
    memory_limit: int | None = None
    failures_max: int | None = None
    seed: int | None = None

    def said(self) -> list[str]:
        """Those that were chosen, in words."""
        return [
            f"{name.replace('_', ' ')} {value}"
            for name in ("batch", "retries", "timeout", "memory_limit", "failures_max", "seed")
            if (value := getattr(self, name)) is not None
        ] + ["in order"] * self.ordered


def context_from(text: str) -> str:
    """The start method, or the cluster.

    Raises:
        Unusable: There is none of that name.
    """
    if text not in (*CONTEXTS, *CLUSTERS):
        raise Unusable(
            f"--context {text}: give fork, spawn or forkserver, such as --context spawn, or dask "
            "or ray for a cluster"
        )
    return text


def address_from(context: str, text: str | None) -> str | None:
    """Where the cluster is.

    Raises:
        Unusable: The context is no cluster.
    """
    if text is not None and context not in CLUSTERS:
        raise Unusable(
            f"--address {text}: --context {context} starts its processes on this machine; give "
            "--context dask or --context ray with it"
        )
    return text


def memory_limit_from(context: str, text: str | None) -> int | None:
    """Bytes that a worker may have, as `bytes_from`.

    Raises:
        Unusable: It is no such number, or the context is a cluster, which has limits of its own.
    """
    if text is not None and context in CLUSTERS:
        raise Unusable(
            f"--memory-limit {text}: the workers of --context {context} have the limits that their "
            "cluster was started with; set it there"
        )
    return bytes_from(text)


def _whole(text: str, least: int, most: float = math.inf) -> int | None:
    if not re.fullmatch(r"[+-]?[0-9]{1,100}", text):
        return None
    number = int(text)
    return number if least <= number <= most else None


def batch_from(text: str | None) -> int | None:
    """Inputs that go to a worker together.

    Raises:
        Unusable: It is not a whole number from 1 to 10,000.
    """
    if text is None:
        return None
    number = _whole(text, 1, BATCH_MAX)
    if number is None:
        raise Unusable(
            f"--batch {text}: give a whole number from 1 to {BATCH_MAX}, such as --batch 16, or "
            "leave it out to have it chosen by the time that inputs take"
        )
    return number


def retries_from(text: str | None) -> int | None:
    """How often an input that failed is tried again.

    Raises:
        Unusable: It is not a whole number of at least 0.
    """
    if text is None:
        return None
    number = _whole(text, 0)
    if number is None:
        raise Unusable(
            f"--retries {text}: give a whole number of at least 0, such as --retries 2, or leave "
            "it out to try an input once more when its worker died"
        )
    return number


def failures_from(fail_fast: bool, text: str | None) -> int | None:
    """Failed inputs after which the run ends.

    Raises:
        Unusable: It is not a whole number of at least 1, or both options are given.
    """
    if text is None:
        return 1 if fail_fast else None
    if fail_fast:
        raise Unusable(
            f"--fail-fast --max-failures {text}: give one of the two; --fail-fast is "
            "--max-failures 1"
        )
    number = _whole(text, 1)
    if number is None:
        raise Unusable(
            f"--max-failures {text}: give a whole number of at least 1, such as --max-failures 10, "
            "or leave it out to go on whatever fails"
        )
    return number


def seed_from(text: str | None) -> int | None:
    """The seed.

    Raises:
        Unusable: It is not a whole number.
    """
    if text is None:
        return None
    number = _whole(text, -(10**100))
    if number is None:
        raise Unusable(f"--seed {text}: give a whole number, such as --seed 42")
    return number


def seconds_from(text: str | None) -> float | None:
    """Seconds that the function may take.

    Raises:
        Unusable: It is not a number above 0.
    """
    if text is None:
        return None
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < math.inf:
        raise Unusable(
            f"--timeout {text}: give seconds, a number above 0, such as --timeout 2.5, or leave it "
            "out to let an input take any time"
        )
    return seconds


def bytes_from(text: str | None) -> int | None:
    """Bytes, with K, M or G behind the number for times 1024, 1024**2 or 1024**3.

    Raises:
        Unusable: It is no such number, or less than a worker has before it does anything.
    """
    if text is None:
        return None
    example = "such as --memory-limit 512M or --memory-limit 2G"
    match = re.fullmatch(r"([0-9]{1,20}(?:\.[0-9]{1,20})?) *([KMG]?)(?:i?B)?", text, re.IGNORECASE)
    if match is None:
        raise Unusable(
            f"--memory-limit {text}: give bytes, a number with K, M or G behind it, {example}"
        )
    number = int(float(match[1]) * SUFFIXES[match[2].upper()])
    least = _worker_bytes()
    if number < least:
        raise Unusable(
            f"--memory-limit {text}: a worker has {least >> 20} MiB before it does anything; "
            f"give more, {example}"
        )
    return number


def _worker_bytes() -> int:
    """About what a worker has in RAM when it begins: as this process, whole MiB above it."""
    own = resident_bytes(os.getpid())
    return -(-own // (1 << 20)) * (1 << 20)
