"""Fuzzes one target, guided by coverage: `python -m tests.fuzz.guided TARGET [OPTION...]`.

Atheris counts the branches of the core, if it was built for that, and of the Python readers.
`tests.fuzz.campaign` starts it with the sanitizers' runtime; the options are libFuzzer's.
"""

from __future__ import annotations

import os
import sys
import tempfile

import atheris

with atheris.instrument_imports(include=["interlock.serialize"]):
    import interlock.serialize  # noqa: F401 - before it is imported without the counters

from tests.fuzz.targets import TARGETS


def main() -> None:
    name, options = sys.argv[1], sys.argv[2:]
    read = TARGETS[name].read

    def tried(data: bytes) -> None:
        read(data)

    atheris.Setup([sys.argv[0], *options], tried)
    with tempfile.TemporaryDirectory() as folder:  # where an input that reaches code would write
        os.chdir(folder)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
