"""A process of the context `dask`, as its worker runs it."""

from __future__ import annotations

import sys
import traceback
from contextlib import suppress
from typing import Any

from interlock.context.dask.packing import unpack_call
from interlock.context.dask.work.place import Interrupted, interruptible, leave_slot
from interlock.context.far.line import seated
from interlock.errors import ServerGone

__all__ = ["Killed", "Terminated", "run_process"]


class Terminated(Interrupted):
    """By `DaskProcess.terminate`."""


class Killed(Interrupted):
    """By `DaskProcess.kill`."""


def run_process(key: str, name: str, packed: bytes, *values: Any) -> int:
    """Run it; its exit code, as `multiprocessing` has them. What it has of locks comes back."""
    code = 1
    with suppress(ServerGone), seated():
        code = _run(key, name, packed, values)
    return code


def _run(key: str, name: str, packed: bytes, values: tuple[Any, ...]) -> int:
    try:
        with interruptible(key):
            leave_slot()
            unpack_call(packed, values).run()
    except Terminated:
        return -15
    except Killed:
        return -9
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr, flush=True)
        return 1
    except BaseException:
        print(f"Process {name}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        return 1
    return 0
