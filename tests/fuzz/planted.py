"""Targets with a fault in them, by which the fuzzer is tried itself."""

from __future__ import annotations

import os

from tests.fuzz.targets import Target

WANTED = b"\x7f"


def raises(data: bytes) -> str:
    if WANTED in data:
        raise ZeroDivisionError("an error that no reader may raise")
    return "read"


def crashes(data: bytes) -> str:
    if WANTED in data:
        os.abort()
    return "read"


def hangs(data: bytes) -> str:
    while WANTED in data:
        len(data)
    return "read"


def floods(data: bytes) -> str:
    return str(len(bytes(8 << 30)) if WANTED in data else 0)


PLANTED = {
    made.__name__: Target(lambda: [bytes(8)], made) for made in (raises, crashes, hangs, floods)
}
