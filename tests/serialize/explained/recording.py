"""Loads pickles and tells which names they reached.

Runs as `python -m tests.serialize.explained.recording`. Reads a pickle in hexadecimal from each
line of standard input and answers with a line of JSON: the names outside of the plain values'
that it asked for. None of these is handed out, so that nothing is run.
"""

from __future__ import annotations

import io
import json
import pickle
import sys
from typing import Any

FUNCTIONS = {
    ("_codecs", "encode"),
    ("array", "_array_reconstructor"),
    ("builtins", "getattr"),
    ("copyreg", "_reconstructor"),
}
MODULES = set(
    "array builtins collections copyreg datetime decimal fractions ipaddress pathlib time uuid "
    "zoneinfo".split()
)
CONSTANTS = (..., NotImplemented)


class Forbidden(Exception):
    """A name was asked for that is no plain value's."""


class Recorder(pickle.Unpickler):
    """Hands out the types of plain values only, and notes everything else."""

    def __init__(self, data: bytes) -> None:
        super().__init__(io.BytesIO(data))
        self.outside: list[str] = []

    def find_class(self, module: str, name: str) -> Any:
        """The object, if it is of a plain value."""
        try:
            found = super().find_class(module, name)
        except (ImportError, AttributeError):
            found = None
        if not is_plain(found):
            self.outside.append(f"{module}.{name}")
            raise Forbidden(module, name)
        return found

    def persistent_load(self, pid: Any) -> Any:
        """Never answers."""
        self.outside.append(f"persistent id {pid}")
        raise Forbidden(pid)


def is_plain(found: Any) -> bool:
    """Whether it is a type of plain values, or one of the functions that restores them."""
    if any(found is constant for constant in CONSTANTS):
        return True
    if isinstance(found, type):
        return found.__module__.split(".")[0] in MODULES and found is not type
    return (getattr(found, "__module__", None), getattr(found, "__name__", None)) in FUNCTIONS


def outside(data: bytes) -> list[str]:
    """The names outside that a program that reads all pickles of the bytes comes to."""
    recorder = Recorder(data)
    try:
        recorder.load()
        recorder.load()
    except Exception as error:  # what a stranger's pickle raises is not foreseen
        if not recorder.outside and "extension" in str(error):
            recorder.outside.append("extension")
    return recorder.outside


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(outside(bytes.fromhex(line))))
