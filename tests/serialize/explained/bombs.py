"""Explains pickles that are small and would be huge: `python -m tests.serialize.explained.bombs`.

Runs by itself, with a bound on its memory, so that a flood is an exit status. Prints for each
kind the verdict and the seconds of its processor time; `test_explain_bombs` holds them to it.
"""

from __future__ import annotations

import faulthandler
import json
import resource
import time
from collections.abc import Iterator

from interlock.serialize import explain_pickle
from tests.serialize.explained.samples import text

MEMORY_MAX = 384 << 20  # beyond what the process has when it begins
TIME_MAX_S = 120
MILLION = 10**6


def bombs() -> Iterator[tuple[str, bytes]]:
    """A kind and the bytes."""
    doubled = b")\x94" + b"".join(b"h%ch%c\x86\x94" % (n, n) for n in range(200))
    call = b"cos\nsystem\n"
    yield "lists in lists", b"]" * MILLION + b"a" * (MILLION - 1) + b"."
    yield "tuples in tuples", b")" + b"\x85" * MILLION + b"."
    yield "marks", b"(" * MILLION
    yield "one value again and again", b"]" + b"2" * MILLION + b"."
    yield "doubled tuples", b"\x80\x04" + doubled + b"."
    yield "doubled tuples as a key", b"\x80\x04" + doubled + b"}h\xc8Ns."
    yield "doubled tuples as arguments", b"\x80\x04" + call + doubled + b"R."
    yield "doubled tuples as a name", b"\x80\x04" + doubled + b"h\x09\x93."
    yield "a list within itself", call + b"]q\x00" + b"(" + b"h\x00" * 1000 + b"e\x85R."
    yield "a call of calls", call + b")R" * MILLION + b"."
    yield "calls with long arguments", (
        b"\x80\x04X\x00\x00\x10\x00" + "\U0001f512".encode() * (1 << 18) + b"\x94"
        + (call + b"h\x00\x85R0") * 100_000 + b"N."
    )  # fmt: skip
    yield (
        "long names",
        (
            b"\x80\x04X\x00\x00\x10\x00"
            + b"m" * (1 << 20)
            + b"\x94"
            + b"h\x00h\x00\x93" * 200_000
            + b"."
        ),
    )
    yield "keyword arguments", call + b")}(" + b"Va\n]" * 300_000 + b"u\x92."
    yield "states", call + b")R}(" + b"Va\n]" * 1000 + b"uq\x00" + b"h\x00b" * 200_000 + b"."
    yield "many pickles", b"N." * MILLION
    yield "long numbers", b"I" + b"9" * MILLION + b"\nL" + b"9" * MILLION + b"L\n."
    yield "a long number", b"\x8b\x40\x42\x0f\x00" + b"\x7f" * MILLION + b"."
    yield "a high number of the memo", b"Nr\xff\xff\xff\xff."
    yield (
        "equal hashes",
        b"(" + b"".join(b"L%dL\nN" % (k * (2**61 - 1)) for k in range(50_000)) + b"d.",
    )
    for code in b"XBT\x8b":
        yield f"a length of 4 bytes for {code:#04x}", bytes([code]) + b"\xff\xff\xff\x7f" + b"x."
    for code in b"\x8d\x8e\x96\x95":
        yield f"a length of 8 bytes for {code:#04x}", bytes([code]) + b"\xff" * 7 + b"\x7fx."
    yield "a frame", b"\x80\x04\x95" + b"\xff" * 8 + text("x") + b"."


def main() -> None:
    faulthandler.dump_traceback_later(TIME_MAX_S, exit=True)
    with open("/proc/self/statm") as statm:
        used = int(statm.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY_MAX,) * 2)
    for kind, data in bombs():
        began = time.process_time()
        report = explain_pickle(data)
        seconds = time.process_time() - began
        length = len(json.dumps(report.as_dict()))
        print(json.dumps([kind, str(report.verdict), seconds, len(data), length]), flush=True)


if __name__ == "__main__":
    main()
