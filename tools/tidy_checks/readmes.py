"""The English and the Chinese README have the same headings, level by level."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest

from .repository import Finding, Repository, Source

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"


def same_headings(repository: Repository) -> Iterator[Finding]:
    """Same number and levels, in the same order; one without the other is a finding."""
    english, chinese = repository.find(ENGLISH), repository.find(CHINESE)
    if english is None and chinese is None:
        return
    if english is None or chinese is None:
        have, lack = (ENGLISH, CHINESE) if chinese is None else (CHINESE, ENGLISH)
        yield Finding(have, 1, f"has no {lack} beside it")
        return
    for ours, theirs in zip_longest(_headings(english), _headings(chinese)):
        if ours is None or theirs is None or ours[1] != theirs[1]:
            yield Finding(
                CHINESE,
                theirs[0] if theirs else len(chinese.lines),
                f"heading {_words(theirs)} stands against {_words(ours)} of {ENGLISH}",
            )
            return


def _headings(source: Source) -> list[tuple[int, int, str]]:
    """Line, level and text of each heading; `#` within a fenced block is none."""
    found, fenced = [], False
    for number, line in enumerate(source.lines, 1):
        if line.lstrip().startswith(("```", "~~~")):
            fenced = not fenced
        level = len(line) - len(line.lstrip("#"))
        if not fenced and 0 < level <= 6 and line[level : level + 1] == " ":
            found.append((number, level, line))
    return found


def _words(heading: tuple[int, int, str] | None) -> str:
    return repr(heading[2]) if heading else "nothing"
