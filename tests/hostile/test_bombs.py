"""Pickles that are small and would be huge, slow or deep; and ordinary ones that were damaged.

How: a process with a bound on its memory and time reads them (`starved.py`), so that a crash, a
flood or a hang is an exit status. Damage is done by seed, which the message of a failure names.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from interlock.errors import DecodeError
from interlock.serialize import Limits, load_pickle
from tests.hostile import starved
from tests.hostile.corpus.bombs import payloads
from tests.hostile.corpus.themes import ORDINARY, cut, flipped
from tests.hostile.victims import GENEROUS, differences, traces

ROOT = Path(__file__).resolve().parent.parent.parent
SEED = 20_240_229
FLIPS = 10_000
TIME_MAX_S = 2.0
TIME_MAX_A_BYTE_S = 4e-6  # an honest pickle takes that long too; only large ones come to more
# What Python itself would make in little memory and time as well.
HARMLESS = {
    "tuples in tuples, thrown away",
    "a high number of the memo, LONG_BINPUT",
    "a high number of the memo, PUT",
    "laughs",
    "a list in itself a million times",
    "one value a million times",
    "a mark for each",
    "a dtype with a lie in its state",
}


def test_a_bomb_takes_neither_memory_nor_time() -> None:
    """P4: each is refused by its own limit, not for want of memory; or was harmless."""
    tried = subprocess.run(
        [sys.executable, "-m", "tests.hostile.starved"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))},
        capture_output=True,
        text=True,
        timeout=starved.TIME_MAX_S + 30,
    )
    assert tried.returncode == 0, (tried.stdout[-300:], tried.stderr[-3000:])
    results: list[Any] = [json.loads(line) for line in tried.stdout.splitlines()]
    assert [result[0] for result in results] == [payload.name for payload in payloads()]
    assert len(results) >= 100
    for name, ended, seconds, size in results:
        assert ended == ("read" if name in HARMLESS else "refused"), name
        assert seconds < max(TIME_MAX_S, TIME_MAX_A_BYTE_S * size), name


def test_every_beginning_of_a_pickle_is_refused() -> None:
    """P4: at the byte where it ends, or where what was cut off is missed."""
    for data in ORDINARY:
        assert load_pickle(data, allow=GENEROUS)
    for data in cut():
        with pytest.raises(DecodeError) as caught:
            load_pickle(data, allow=GENEROUS)
        assert caught.value.offset is not None
        assert caught.value.offset <= len(data)


@pytest.mark.parametrize("allow", [(), GENEROUS], ids=["nothing", "ordinary names"])
def test_a_damaged_pickle_is_refused_or_read_and_nothing_worse(allow: tuple[str, ...]) -> None:
    """P4: DecodeError is the only error, with its byte; nothing outside is changed."""
    limits = Limits(max_bytes=1 << 20, max_items=100_000, max_string=1 << 20)
    ended: Counter[str] = Counter()
    before, began = traces(), time.process_time()
    for data in flipped(random.Random(SEED), FLIPS):
        try:
            load_pickle(data, allow=allow, limits=limits)
        except DecodeError as error:
            assert error.offset is not None, f"seed {SEED}: {data!r}"
            assert 0 <= error.offset <= len(data), f"seed {SEED}: {data!r}"
            ended["refused"] += 1
        except BaseException as error:
            pytest.fail(f"seed {SEED}: {error!r} for {data!r}")
        else:
            ended["read"] += 1
    assert differences(before) == [], f"seed {SEED}"
    assert time.process_time() - began < FLIPS * TIME_MAX_S / 100
    assert ended["refused"] > FLIPS / 4
    assert (ended["read"] > FLIPS / 10) == bool(allow)
