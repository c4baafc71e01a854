"""The picture, and what there is without matplotlib."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from interlock.advice import words
from interlock.advice.choice import decide
from interlock.advice.plot import formats, plot
from interlock.advice.result import Advice
from interlock.errors import MissingDependency
from tests.advice.made_up import facts, trial

MODULE = "matplotlib.backends.backend_agg"


@pytest.fixture
def advice() -> Advice:
    """On made-up figures, with a trial."""
    some, trials = facts("python"), (trial("fork", 0.9),)
    decision = decide(some, trials, 1000, 32)
    return Advice(
        "work", "fork", 4, 1, 3.6, words.headline(decision), "", (), (), 1000, 10, some,
        decision.found, trials,
    )  # fmt: skip


def test_a_picture_has_a_line_for_each_context(advice: Advice, tmp_path: Path) -> None:
    """With its name, and a point for what was measured."""
    pytest.importorskip("matplotlib", reason="matplotlib is not installed: `make test` does it")
    place = tmp_path / "speed.svg"
    advice.plot(place)
    text = place.read_text()
    for name in ("thread", "fork, measured", "forkserver", "spawn", "workers"):
        assert f"<!-- {name} -->" in text
    assert "main" not in text.split("<!-- workers -->")[0].split("</defs>")[0]
    plot(advice, tmp_path / "speed.png")
    assert (tmp_path / "speed.png").read_bytes()[:4] == b"\x89PNG"
    assert {"png", "svg", "pdf"} <= formats()


def test_without_matplotlib_it_says_what_to_install(
    advice: Advice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And everything else works."""
    monkeypatch.setitem(sys.modules, MODULE, None)
    with pytest.raises(MissingDependency, match=r"pip install 'interlock\[plot\]'"):
        plot(advice, tmp_path / "speed.svg")
    assert "fork" in str(advice)


def test_the_advice_prints_as_a_table(advice: Advice) -> None:
    """Each context in a row, the quickest first; what bounds it is what bounds more workers."""
    rows = str(advice).splitlines()
    names = [row.split()[0] for row in rows[-5:]]
    assert names == [each.context for each in advice.options]
    assert "cpus" in next(row for row in rows[-5:] if row.split()[0] == "fork")
    assert "gil" in next(row for row in rows[-5:] if row.split()[0] == "thread")
