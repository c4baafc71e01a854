"""Reads the bombs: `python -m tests.hostile.starved`.

Runs by itself, with a bound on its memory and its time, so that a crash, a flood or a hang is an
exit status. Prints for each the seconds of its processor time and how it ended.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import sys
import time
from pathlib import Path

from interlock.errors import DecodeError
from interlock.serialize import load_pickle
from tests.hostile.corpus.bombs import payloads
from tests.hostile.corpus.themes import ORDINARY
from tests.hostile.victims import GENEROUS, differences, traces

MEMORY_MAX = 768 << 20  # beyond what the process has when it begins
TIME_MAX_S = 100


def ended(data: bytes) -> str:
    """What became of it."""
    try:
        load_pickle(data, allow=GENEROUS)
    except DecodeError as error:
        return "MemoryError" if isinstance(error.__cause__, MemoryError) else "refused"
    except BaseException as error:
        return repr(error)[:200]
    return "read"


def main() -> None:
    faulthandler.enable()
    faulthandler.dump_traceback_later(TIME_MAX_S, exit=True)
    for data in ORDINARY:
        load_pickle(data, allow=GENEROUS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_MAX,) * 2)
    before = traces()
    for payload in payloads():
        if sys.argv[1:] and sys.argv[1] not in payload.name:
            continue
        began = time.process_time()
        how = ended(payload.data)
        seconds = time.process_time() - began
        print(json.dumps([payload.name, how, seconds, len(payload.data)]), flush=True)
    changed = [trace for trace in differences(before) if trace != "modules"]
    if changed:
        sys.exit(f"changed: {changed}")


if __name__ == "__main__":
    main()
