"""Lines of a file or of standard input as they come: whole, in UTF-8, never all at once."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from interlock.cli.usage import Unusable

__all__ = ["LINE_MAX", "Lines", "lines", "shown"]

READ_BYTES = 1 << 16
LINE_MAX = 16 << 20  # bytes: an input without end has lines of bounded length all the same


class Lines(NamedTuple):
    """Lines that came together, without their newlines.

    Attributes:
        first: The number of the first, from 1.
        lines: The lines.
        size: Their bytes.
    """

    first: int
    lines: list[str]
    size: int


def shown(name: str) -> str:
    """A file as a sentence names it."""
    return "standard input" if name == "-" else name


def lines(option: str, name: str) -> Iterator[Lines]:
    """The lines of a file, or of standard input where the name is `-`.

    A line is told as soon as it is whole; who writes into a pipe now and then is heard at once.

    Raises:
        Unusable: It cannot be read, is not UTF-8, or has a line of more than 16 MiB.

    If a process dies: who wrote into the pipe and died has ended the input; its last line counts.
    """
    # 0: by number, for sys.stdin is None where the caller has closed it.
    fd = 0 if name == "-" else _opened(option, name)
    try:
        number = 1
        for block in _blocks(option, name, fd):
            try:
                found = _decoded(number, block)
            except UnicodeDecodeError as error:
                good = block[: block.rfind(b"\n", 0, error.start) + 1]
                # What stands before it is an input.
                yield Lines(number, _decoded(number, good), len(good))
                raise _no_text(option, name, number + good.count(b"\n")) from error
            yield Lines(number, found, len(block))
            number += len(found)
    finally:
        if name != "-":
            os.close(fd)


def _opened(option: str, name: str) -> int:
    try:
        return os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError as error:
        raise Unusable(
            f"{option} {name}: no such file; give a file that is there, or - for standard input"
        ) from error
    except (OSError, ValueError) as error:
        raise _unreadable(option, name, error) from error


def _unreadable(option: str, name: str, error: OSError | ValueError) -> Unusable:
    reason = getattr(error, "strerror", None) or error
    return Unusable(
        f"{option} {name}: it cannot be read ({reason}); give a file that you may read, "
        "or - for standard input"
    )


def _blocks(option: str, name: str, fd: int) -> Iterator[bytes]:
    """Bytes that end with a newline, but for the last."""
    parts: list[bytes] = []
    size = 0
    while True:
        try:
            data = os.read(fd, READ_BYTES)
        except OSError as error:
            raise _unreadable(option, name, error) from error
        if not data:
            break
        end = data.rfind(b"\n") + 1
        if end:
            yield b"".join([*parts, data[:end]])
            parts.clear()
            size = 0
        parts.append(data[end:])
        size += len(data) - end
        if size > LINE_MAX:
            raise Unusable(
                f"{option} {name}: a line of {shown(name)} is longer than {LINE_MAX >> 20} MiB; "
                "give a file name on the line and read that file in the function"
            )
    if size:
        yield b"".join(parts)


def _decoded(number: int, block: bytes) -> list[str]:
    """The lines of a block, of which the first has this number."""
    text = block.decode()
    if number == 1:
        text = text.removeprefix("\ufeff")
    # Not splitlines(): a form feed or U+2028 inside a line belongs to the input.
    found = text.split("\n")
    if not found[-1]:
        found.pop()
    return found


def _no_text(option: str, name: str, line: int) -> Unusable:
    return Unusable(
        f"{option} {name}: line {line} of {shown(name)} is not UTF-8; convert it first, such as "
        "with `iconv -f LATIN1 -t UTF-8`"
    )
