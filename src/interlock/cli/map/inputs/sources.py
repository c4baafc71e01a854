"""The inputs of a run: arguments, then files by pattern, then lines, JSON lines and CSV rows."""

from __future__ import annotations

import csv
import glob
import json
import math
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, NoReturn

from interlock.cli.map.inputs.streams import LINE_MAX, lines, shown
from interlock.cli.usage import Unusable

__all__ = ["Inputs", "gather"]

COUNTED_MAX = 64 << 20  # bytes of a file that is read once before the run, to count and check it
DEPTH_MAX = 100  # of a JSON value
HERE = 1024  # arguments and files by pattern that are handed on together


class Chunk(NamedTuple):
    """Inputs that came together.

    Attributes:
        inputs: The inputs.
        size: About the bytes that they came in.
    """

    inputs: Sequence[object]
    size: int


Chunks = Iterator[Chunk]


@dataclass(frozen=True)
class Source:
    """Some of the inputs.

    Attributes:
        named: As the command line has it.
        chunks: Gives them as they come.
        total: How many there are; None where only the end will tell.
        path: The file, for those that are one.
    """

    named: str
    chunks: Callable[[], Chunks]
    total: int | None
    path: str | None = None


@dataclass(frozen=True)
class Inputs:
    """All of them, in the order of the sources; one named twice is there twice."""

    sources: Sequence[Source]

    @property
    def total(self) -> int | None:
        """How many there are; None where only the end will tell."""
        found = 0
        for source in self.sources:
            if source.total is None:
                return None
            found += source.total
        return found

    def chunks(self) -> Chunks:
        """The inputs as they come.

        Raises:
            Unusable: A source cannot be read on.
        """
        for source in self.sources:
            yield from source.chunks()

    def each(self) -> Iterator[object]:
        """The inputs one by one; raises as `chunks`."""
        for chunk in self.chunks():
            yield from chunk.inputs

    def none(self) -> Unusable:
        """What to say when there is no input."""
        named = " ".join(source.named for source in self.sources if source.named)
        return Unusable(
            f"{named}: that gives no input; give a source with at least one"
            if named
            else "there is no input; name some after FUNCTION, or by --glob PATTERN, --lines FILE, "
            "--jsonl FILE or --csv FILE"
        )


def gather(
    arguments: Sequence[str],
    patterns: Sequence[str] = (),
    lists: Sequence[str] = (),
    json_lists: Sequence[str] = (),
    tables: Sequence[str] = (),
) -> Inputs:
    """Find the inputs; files are opened, and read once to be counted where they are not large.

    Args:
        arguments: Inputs as they are.
        patterns: Shell patterns of files, `**` for any depth of folders; in
            sorted order. Folders and names that begin with a dot do not match `*`.
        lists: Files of one input a line, in UTF-8; `-` is standard input. Empty
            lines are left out.
        json_lists: Files of one JSON value a line.
        tables: CSV files whose first row names the columns; each further row is a dict.

    Raises:
        Unusable: A source cannot be read, or there is no input at all.
    """
    _check_read_once([
        *(f"--lines {n}" for n in lists if n == "-"),
        *(f"--jsonl {n}" for n in json_lists if n == "-"),
        *(f"--csv {n}" for n in tables if n == "-"),
    ])  # fmt: skip
    sources = [_known("", arguments)] if arguments else []
    sources += [_known(f"--glob {pattern}", _matching(pattern)) for pattern in patterns]
    for option, names, read in (
        ("--lines", lists, _lines_of),
        ("--jsonl", json_lists, _values_of),
        ("--csv", tables, _rows_of),
    ):
        sources += [_stream(option, name, read) for name in names]
    found = Inputs(sources)
    if found.total == 0:
        raise found.none()
    return found


def _check_read_once(named: list[str]) -> None:
    if len(named) > 1:
        raise Unusable(
            f"{' and '.join(named)}: standard input can be read only once; write one of them into "
            "a file and give that"
        )


def _known(named: str, inputs: Sequence[str]) -> Source:
    def chunks() -> Chunks:
        for start in range(0, len(inputs), HERE):
            yield Chunk(inputs[start : start + HERE], 0)

    return Source(named, chunks, len(inputs))


def _matching(pattern: str) -> list[str]:
    found = sorted(path for path in glob.iglob(pattern, recursive=True) if os.path.isfile(path))
    if not found:
        raise Unusable(
            f"--glob {pattern}: no file matches, looking from {os.getcwd()}; "
            "quote the pattern and write ** for any depth of folders, such as --glob 'src/**/*.py'"
        )
    return found


def _stream(option: str, name: str, read: Callable[[str], Chunks]) -> Source:
    def chunks() -> Chunks:
        return read(name)

    total = None
    if _can_be_counted(name):
        total = sum(len(chunk.inputs) for chunk in chunks())
    return Source(f"{option} {name}", chunks, total, None if name == "-" else name)


def _can_be_counted(name: str) -> bool:
    """Not a pipe, which can be read only once, nor what would take long; a missing file tells."""
    if name == "-":
        return False
    try:
        found = os.stat(name)
    except (OSError, ValueError):
        return True
    return not stat.S_ISFIFO(found.st_mode) and not stat.S_ISCHR(found.st_mode) and (
        found.st_size <= COUNTED_MAX
    )  # fmt: skip


def _lines_of(name: str) -> Chunks:
    for _, found, size in lines("--lines", name):
        whole = (line.removesuffix("\r") for line in found)
        yield Chunk([line for line in whole if line], size)


def _values_of(name: str) -> Chunks:
    for first, found, size in lines("--jsonl", name):
        values: list[object] = []
        try:
            for number, line in enumerate(found, first):
                if line and not line.isspace():
                    values.append(_value(name, number, line))
        except Unusable:
            yield Chunk(values, size)  # what stands before the bad line is an input
            raise
        yield Chunk(values, size)


def _value(name: str, number: int, line: str) -> object:
    try:
        value: object = json.loads(line, parse_constant=_no_number, parse_float=_finite)
        _check_depth(value)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", None) or str(error)
        raise Unusable(
            f"--jsonl {name}: line {number} of {shown(name)} is not JSON ({reason}); write one "
            "JSON value a line, or give the file by --lines to have the lines as they are"
        ) from error
    return value


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def _finite(text: str) -> float:
    number = float(text)
    if math.isinf(number):
        raise ValueError(f"{text} is beyond what a float holds")
    return number


def _check_depth(value: object) -> None:
    """One that is deeper may not get through a pickle, and the run would end there."""
    level = [value]
    for _ in range(DEPTH_MAX + 1):
        parts = [each for each in level if isinstance(each, (list, dict))]
        if not parts:
            return
        level = [p for each in parts for p in (each.values() if isinstance(each, dict) else each)]
    raise ValueError(f"it is nested deeper than {DEPTH_MAX}")


def _rows_of(name: str) -> Chunks:
    csv.field_size_limit(LINE_MAX)  # the reader's own is 128 KiB
    text = _Text(name)
    rows = csv.reader(text, strict=True)
    found: list[object] = []
    try:
        header = _header(name, next((row for row in rows if row), []))
        for row in rows:
            if row:
                found.append(_row(name, rows.line_num, header, row))
            if text.left == 0 and found:  # the next line may be long in coming
                yield Chunk(found, text.size)
                found = []
    except csv.Error as error:
        yield Chunk(found, text.size)  # what stands before the bad row is an input
        raise Unusable(
            f"--csv {name}: line {rows.line_num} of {shown(name)} is not CSV ({error}); put fields "
            'that have commas, quotes or newlines in them into "...", and write " as ""'
        ) from error
    except Unusable:
        yield Chunk(found, text.size)
        raise


class _Text(Iterator[str]):
    """Lines for the CSV reader; `left` of those that came together, in `size` bytes."""

    def __init__(self, name: str) -> None:
        self.left = self.size = 0
        self._lines = (
            (len(found) - place, size, line)
            for _, found, size in lines("--csv", name)
            for place, line in enumerate(found, 1)
        )

    def __next__(self) -> str:
        self.left, self.size, line = next(self._lines)
        return line + "\n"


def _row(name: str, number: int, header: list[str], row: list[str]) -> dict[str, str]:
    if len(row) != len(header):
        raise Unusable(
            f"--csv {name}: line {number} of {shown(name)} has {len(row)} fields, and the header "
            f"has {len(header)}; give each row a field for each column"
        )
    return dict(zip(header, row, strict=True))


def _header(name: str, row: list[str]) -> list[str]:
    twice = _twice(row)
    if twice is not None:
        raise Unusable(
            f"--csv {name}: the header of {shown(name)} has the column {twice!r} twice; give each "
            "column a name of its own in the first row"
        )
    return row


def _twice(names: Iterable[str]) -> str | None:
    seen: set[str] = set()
    for each in names:
        if each in seen:
            return each
        seen.add(each)
    return None
