"""Gathers the inputs of a run: arguments, then files by pattern, then lines."""

from __future__ import annotations

import glob
import os
from collections.abc import Sequence

from interlock.cli.usage import Unusable

__all__ = ["gather"]


def gather(arguments: Sequence[str], patterns: Sequence[str], lists: Sequence[str]) -> list[str]:
    """Every input, in the order of the sources; one named twice is there twice.

    Args:
        arguments: Inputs as they are.
        patterns: Shell patterns of files, `**` for any depth of folders; in
            sorted order. Folders and names that begin with a dot do not match `*`.
        lists: Files of one input a line, in UTF-8; `-` is standard input. Empty
            lines are left out.

    Raises:
        Unusable: A source cannot be read, or there is no input at all.
    """
    inputs = list(arguments)
    for pattern in patterns:
        inputs += _matching(pattern)
    for name in lists:
        inputs += _lines_of(name)
    if not inputs:
        named = " ".join([*(f"--glob {p}" for p in patterns), *(f"--lines {n}" for n in lists)])
        raise Unusable(
            f"{named}: that gives no input; give a source with at least one"
            if named
            else "there is no input; name some after FUNCTION, or by --glob PATTERN or --lines FILE"
        )
    return inputs


def _matching(pattern: str) -> list[str]:
    found = sorted(path for path in glob.iglob(pattern, recursive=True) if os.path.isfile(path))
    if not found:
        raise Unusable(
            f"--glob {pattern}: no file matches, looking from {os.getcwd()}; "
            "quote the pattern and write ** for any depth of folders, such as --glob 'src/**/*.py'"
        )
    return found


def _lines_of(name: str) -> list[str]:
    shown = "standard input" if name == "-" else name
    try:
        # 0: by number, for sys.stdin is None where the caller has closed it.
        with open(0 if name == "-" else name, "rb", closefd=name != "-") as file:
            data = file.read()
    except FileNotFoundError as error:
        raise Unusable(
            f"--lines {name}: no such file; give a file of one input a line, or - for "
            "standard input"
        ) from error
    except OSError as error:
        raise Unusable(
            f"--lines {name}: it cannot be read ({error.strerror}); give a file that you may read, "
            "or - for standard input"
        ) from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unusable(
            f"--lines {name}: line {line} of {shown} is not UTF-8; convert it first, such as with "
            "`iconv -f LATIN1 -t UTF-8`"
        ) from error
    # Not splitlines(): a form feed or U+2028 inside a line belongs to the input.
    return [line.removesuffix("\r") for line in text.split("\n") if line.removesuffix("\r")]
