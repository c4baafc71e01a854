"""Messages to try a subject with, and how to tell whether they arrived whole."""

from __future__ import annotations

import importlib.util
import zlib
from itertools import pairwise
from typing import Any

from interlock.testing.contract import must

__all__ = [
    "SIZES",
    "arrays",
    "assorted",
    "first_fault",
    "must_be_array",
    "must_be_pattern",
    "pattern",
]

# Bytes: nothing, one, within a small message, over a page, over a pipe's 64 KiB, megabytes.
SIZES = (0, 1, 1000, 5000, 70_000, 1 << 20, (9 << 20) + 1)


def assorted() -> list[Any]:
    """One of each kind of plain object, with what is easily mistaken for something else."""
    shared = ["shared"]
    return [
        None,
        False,
        0,
        -1,
        2**70,
        1.5,
        "",
        "caf\u00e9 \U0001f512",
        b"",
        b"\0\xff",
        (),
        [1, [2, [3, []]]],
        {"key": ("value", {None: {1, 2}})},
        [shared, shared],
        ValueError("with", "arguments"),
        range(3),
    ]


def pattern(size: int) -> bytes:
    """That many bytes, of which no two parts are alike, ended by their checksum where it fits."""
    body = (b"%d:" % size + bytes(range(251))) * (size // 251 + 1)
    if size < 16:
        return body[:size]
    body = body[: size - 4]
    return body + zlib.crc32(body).to_bytes(4, "little")


def must_be_pattern(data: bytes, size: int) -> None:
    """Raise unless these are the bytes of `pattern`.

    Raises:
        AssertionError: They are not.
    """
    if data != pattern(size):
        raise AssertionError(f"A message of {size} bytes arrived as {len(data)} bytes, or damaged.")


def first_fault(got: list[Any]) -> str:
    """The neighbourhood of the first of these numbers that does not follow on the one before."""
    for place, (one, next_one) in enumerate(pairwise(got)):
        if not isinstance(next_one, int) or not isinstance(one, int) or next_one <= one:
            return f"..., {', '.join(map(repr, got[max(0, place - 1) : place + 3]))}, ..."
    return f"{got[:5]!r}, ..."


def arrays() -> list[Any]:
    """Arrays of many layouts; none where numpy is not installed."""
    if importlib.util.find_spec("numpy") is None:
        return []
    import numpy

    grid = numpy.arange(60_000, dtype="f8").reshape(200, 300)
    return [
        grid,
        grid[::2, ::3],
        numpy.asfortranarray(grid),
        grid.T,
        grid[::-1],
        numpy.zeros((0, 5)),
        numpy.array(7.5),
        numpy.array([("a", 1, 2.0)] * 3, dtype="U3,i4,f8"),
        numpy.array([None, "object", [1]], dtype=object),
        numpy.broadcast_to(numpy.arange(5000), (3, 5000)),
    ]


def must_be_array(got: Any, sent: Any) -> None:
    """Raise unless an array arrived as it was sent.

    Raises:
        AssertionError: It differs in type, shape or contents.
    """
    import numpy

    what = f"An array of shape {sent.shape} and type {sent.dtype}"
    must(type(got) is numpy.ndarray, f"{what} arrived as {type(got).__name__}.")
    must(got.dtype == sent.dtype, f"{what} arrived with type {got.dtype}.")
    must(got.shape == sent.shape, f"{what} arrived with shape {got.shape}.")
    must(numpy.array_equal(got, sent), f"{what} arrived with other contents.")
