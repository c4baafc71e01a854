"""Just enough C++: what is comment, what is code, what a call's argument holds."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .repository import Comment, Source

_TOKEN = re.compile(
    r"""(?P<line>//[^\n]*)
      | (?P<block>/\*.*?\*/)
      | (?P<raw>R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)")
      | (?P<string>"(?:\\.|[^"\\\n])*")
      | (?P<char>(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')""",
    re.VERBOSE | re.DOTALL,
)


def comments(source: Source) -> list[Comment]:
    """Every comment, with its markers removed; a block comment is one."""
    found = []
    for match in _TOKEN.finditer(source.text):
        if match.lastgroup in ("line", "block"):
            line = source.text.count("\n", 0, match.start()) + 1
            found.append(Comment(line, match.group().strip("/* \n")))
    return found


def code(source: Source) -> str:
    """The text with comments and the insides of strings blanked; lines stay where they are."""
    return _TOKEN.sub(_blank, source.text)


def _blank(match: re.Match[str]) -> str:
    text = match.group()
    if text.startswith("/"):
        return re.sub(r"[^\n]", " ", text)
    return '"' + re.sub(r"[^\n]", "_", text[1:-1]) + '"'


def code_lines(source: Source) -> list[str]:
    return code(source).splitlines()


def calls(text: str, name: str) -> Iterator[tuple[int, str]]:
    """The line and the argument text of each ``name(...)`` in blanked code."""
    for match in re.finditer(rf"(?<![\w:.>]){name}\s*\(", text):
        start, depth, end = match.end(), 1, match.end()
        while end < len(text) and depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield text.count("\n", 0, match.start()) + 1, text[start : end - 1]
