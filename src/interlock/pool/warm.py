"""Warm start: the server that forks workers has imported what they need before it forks one.

The standard library's server imports modules when it starts, and never again. So the first pool of
a program says what its workers need; a module that a later one needs is imported by each worker.
What a program has chosen with `set_forkserver_preload` stays, with these behind it.

A server that has imported numpy has threads of BLAS, unless `OPENBLAS_NUM_THREADS` and its like say
1; OpenBLAS and MKL stop them before a fork, by pthread_atfork(3).

Source: multiprocessing.forkserver.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from multiprocessing import forkserver
from typing import Any

__all__ = ["preload"]

_OWN = "interlock.pool.worker"


def preload(context: Any, *functions: Callable[..., Any] | None) -> None:
    """Let the server import the modules of these functions, if it is yet to start."""
    if context.get_start_method(allow_none=True) != "forkserver":
        return
    server = getattr(forkserver, "_forkserver", None)
    if server is None or server._forkserver_pid is not None:
        return
    chosen = list(server._preload_modules)
    for name in (_OWN, *(getattr(each, "__module__", None) for each in functions)):
        if isinstance(name, str) and name not in chosen and name in sys.modules:
            chosen.append(name)
    forkserver.set_forkserver_preload(chosen)
