"""A process of the context `dask`, as its worker runs it."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from interlock.context.dask.packing import unpack_call
from interlock.context.dask.work.place import Interrupted, interruptible, leave_slot

__all__ = ["Killed", "Terminated", "run_process"]


class Terminated(Interrupted):
    """By `DaskProcess.terminate`."""


class Killed(Interrupted):
    """By `DaskProcess.kill`."""


def run_process(key: str, name: str, packed: bytes, *values: Any) -> int:
    """Run it; its exit code, as `multiprocessing` has them."""
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
