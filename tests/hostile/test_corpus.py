"""The corpus through `load_pickle`: nothing runs, nothing is changed, nothing is imported.

How: each payload is read with no names allowed, and with a generous list of ordinary classes and
functions. The traces (`victims.py`) must be as before. That the payloads would do it otherwise
is shown by the standard loader, in children that end with it.
"""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.errors import DecodeError
from interlock.serialize import load_pickle
from tests.hostile.corpus.themes import ORDINARY, THEMES
from tests.hostile.victims import GENEROUS, differences, extensions, traces

ROOT = Path(__file__).resolve().parent.parent.parent
TIME_MAX_S = 2.0
BOUND_S = 100.0
# Of each theme, at least so many payloads and so large a part that `pickle.loads` falls for.
LEAST = {"calls": (300, 0.8), "gadgets": (40, 0.8), "names": (180, 0.25), "building": (700, 0.35)}
LISTS = {"nothing is allowed": (), "ordinary names are allowed": GENEROUS}


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Where canaries would be; with all that the reader itself imports loaded before."""
    for data in ORDINARY:
        load_pickle(data, allow=GENEROUS)
    monkeypatch.chdir(tmp_path)
    with extensions():
        yield


@pytest.mark.parametrize("allow", LISTS.values(), ids=LISTS)
@pytest.mark.parametrize("theme", THEMES)
def test_no_payload_reaches_anything(theme: str, allow: tuple[str, ...]) -> None:
    """P4: each is refused with its byte, within the time, and leaves all as it was."""
    for payload in THEMES[theme]():
        before, began = traces(), time.process_time()
        with pytest.raises(DecodeError) as caught:
            load_pickle(payload.data, allow=allow)
        assert caught.value.offset is not None, payload
        assert 0 <= caught.value.offset < len(payload.data), payload
        assert differences(before) == [], payload
        assert time.process_time() - began < TIME_MAX_S, payload


def test_the_standard_loader_falls_for_them() -> None:
    """The corpus can fail: a good part of it does what it wants when `pickle` loads it."""
    tried = subprocess.run(
        [sys.executable, "-m", "tests.hostile.loaded_by_pickle"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), *sys.path]))},
        capture_output=True,
        text=True,
        timeout=BOUND_S,
    )
    assert tried.returncode == 0, tried.stderr[-3000:]
    found = json.loads(tried.stdout)
    for theme, (least, part) in LEAST.items():
        count, reached = found[theme]
        assert count >= least
        assert len(reached) >= part * count, (theme, len(reached), count)


def test_every_payload_has_its_own_name() -> None:
    """So that a failure says which one it was."""
    names = [payload.name for payloads in THEMES.values() for payload in payloads()]
    assert len(names) == len(set(names))


def test_the_list_is_generous() -> None:
    """What the payloads are built around is read by it, and equal to what `pickle` makes."""
    for data in ORDINARY:
        assert repr(load_pickle(data, allow=GENEROUS)) == repr(pickle.loads(data))
