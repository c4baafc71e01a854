"""Draws speed against workers, a line for each context; needs matplotlib, imported only here."""

from __future__ import annotations

from os import PathLike
from typing import TYPE_CHECKING

from interlock.errors import MissingDependency

if TYPE_CHECKING:
    from interlock.advice.result import Advice

__all__ = ["formats", "plot"]

WIDTH, HEIGHT = 7.0, 4.5  # inches
_STYLES = {"fork": "-", "forkserver": "--", "spawn": ":"}


def formats() -> frozenset[str]:
    """The suffixes that a picture may have.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
    except ImportError as error:
        raise MissingDependency(
            "To draw a picture needs matplotlib, which is not installed. Install it with "
            "`pip install 'interlock[plot]'`."
        ) from error
    return frozenset(FigureCanvasAgg.get_supported_filetypes())


def plot(advice: Advice, path: str | PathLike[str]) -> None:
    """Write a picture: times a loop over workers, as predicted, and what was measured as points.

    Args:
        advice: What `advise` returned.
        path: Where to; its suffix says which format, such as ``.png`` or ``.svg``.

    Raises:
        MissingDependency: matplotlib is not installed.
        ValueError: The suffix is of no format that it writes.
        OSError: The file cannot be written.
    """
    formats()
    from matplotlib.figure import Figure
    from matplotlib.ticker import StrMethodFormatter

    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axes = figure.add_subplot()
    loop_s = advice.facts.call.wall_s
    for context, found in advice.curves().items():
        if context == "main":
            continue
        line = axes.plot(
            [each.workers for each in found],
            [each.rate * loop_s for each in found],
            _STYLES.get(context, "-"),
            label=context,
        )[0]
        points = [each for each in advice.trials if each.context == context and not each.failure]
        axes.plot(
            [each.workers for each in points],
            [each.rate * loop_s for each in points],
            "o",
            color=line.get_color(),
            label=f"{context}, measured" if points else None,
        )
    axes.axhline(1.0, color="0.6", linewidth=0.8)
    axes.set_xscale("log", base=2)
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_ylim(bottom=0)
    axes.set_xlabel("workers")
    axes.set_ylabel("times as fast as a loop")
    axes.set_title(f"{advice.function}: {advice.headline.rstrip('.')}", fontsize=9)
    axes.legend()
    figure.savefig(path)
