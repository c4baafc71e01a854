"""Bytes that somebody wrote over: an error or an object, but no crash, no hang, no flood.

How: a process with a bound on its memory and time gives them to the native decoder, thousands of
each kind (`tests/serialize/hostile.py`). The seed is fixed; its message names it, to be tried by
`python -m tests.serialize.hostile KIND SEED`.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from interlock import _native
from interlock.errors import DecodeError
from tests.serialize.hostile import KINDS, TIME_MAX_S, samples

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = 20_240_229


# Whether any of them can be read: no beginning of a message is a message.
READABLE = {"flipped", "spliced", "noise"}


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_bytes_are_refused_or_read_and_nothing_worse(kind: str) -> None:
    """P4: DecodeError is the only error, and what is read is whole."""
    tried = subprocess.run(
        [sys.executable, "-m", "tests.serialize.hostile", kind, str(SEED)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        timeout=TIME_MAX_S + 30,
    )
    assert tried.returncode == 0, f"seed {SEED}: {tried.stderr[-3000:]}"
    restored, refused = map(int, tried.stdout.split())
    assert refused >= 10
    assert (restored > 0) == (kind in READABLE)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "ends within a value"),
        (b"\xd0", "a tag that has no meaning"),
        (b"\x00\x00", "goes on after its end"),
        (b"\x91", "more items than the message has bytes"),
        (b"\x91" * 5000 + b"\x00", "nested too deeply"),
        (b"\x41\xff", "characters that it cannot hold"),
        (b"\x81\x90\x00", "cannot be hashed"),
        (b"\xcb\x00", "not there yet"),
    ],
)
def test_the_error_says_where_and_why(data: bytes, reason: str) -> None:
    """P6: the byte, the reason, and what to do; it is pickle's error too."""
    with pytest.raises(DecodeError, match=reason) as caught:
        _native.decode(data)
    assert "is damaged at byte" in str(caught.value)
    assert "Send it again" in str(caught.value)


def test_a_message_is_read_as_it_was_after_all_that() -> None:
    """The decoder keeps nothing of what it refused, such as common strings."""
    for data in samples():
        first = _native.decode(data)
        for cut in range(0, len(data), 7):
            with pytest.raises(DecodeError):
                _native.decode(data[:cut])
        assert _native.encode(_native.decode(data)) == _native.encode(first)
