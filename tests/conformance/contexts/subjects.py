"""The contexts that the suite runs on. One entry adds another."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import multiprocessing.dummy
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import interlock

__all__ = ["SUBJECTS", "Subject"]


@dataclass(frozen=True)
class Subject:
    """A context, made once for all promises.

    Attributes:
        name: As the table has it.
        open: Makes it; its end closes it.
        is_here: Whether what it stands on is installed; importlib.util.find_spec tells.
        is_cluster: Whether that brings threads and handlers of its own.
        can: ``"kills"``: a worker may be killed, this process going on; ``"stops"``: what computes
            for ever can be ended.
        long_s: For what comes, in seconds; None for the suite's own.
        soon_s: Within which a death is noticed; None for the suite's own.
        moment_s: For what does not come; None for the suite's own.
    """

    name: str
    open: Callable[[], AbstractContextManager[Any]]
    is_here: bool = True
    is_cluster: bool = False
    can: frozenset[str] = frozenset({"kills", "stops"})
    long_s: float | None = None
    soon_s: float | None = None
    moment_s: float | None = None


def _ours(name: str, **options: Any) -> Callable[[], AbstractContextManager[Any]]:
    return lambda: interlock.get_context(name, **options)


@contextlib.contextmanager
def _dask() -> Iterator[Any]:
    """Of one worker: a task that is tried again finds what it left; one death is enough."""
    import dask

    once = {"distributed.scheduler.allowed-failures": 0}
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with dask.config.set(once), interlock.get_context("dask", workers=1) as made:
        yield made


@contextlib.contextmanager
def _ray() -> Iterator[Any]:
    """Of this machine, small; what workers print is not for the tests' output."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "object_store_memory": 80 << 20}
    with interlock.get_context("ray", num_cpus=2, init=quiet) as made:
        yield made


@contextlib.contextmanager
def _standard() -> Iterator[Any]:
    yield multiprocessing.get_context("fork")


@contextlib.contextmanager
def _standard_dummy() -> Iterator[Any]:
    yield multiprocessing.dummy


SUBJECTS: dict[str, Subject] = {
    each.name: each
    for each in (
        Subject("fork", _ours("fork")),
        Subject("spawn", _ours("spawn")),
        Subject("forkserver", _ours("forkserver")),
        Subject("thread", _ours("thread"), can=frozenset({"stops"})),
        Subject("dask", _dask, find_spec("distributed") is not None, True, soon_s=20.0),
        Subject("ray", _ray, find_spec("ray") is not None, True, soon_s=20.0),
        # A check of the suite: it asks for no more than these have, where it is told so.
        Subject("multiprocessing", _standard),
        Subject("multiprocessing.dummy", _standard_dummy, can=frozenset()),
    )
}
