"""The project's documents, as the tests of this folder read them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})(.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it begins, what language it says it is, and its text."""

    page: Path
    line: int
    language: str
    text: str

    @property
    def name(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def pages(*patterns: str) -> list[Path]:
    """The documents that match, sorted; each pattern matches one at least."""
    found: set[Path] = set()
    for pattern in patterns:
        matching = set(ROOT.glob(pattern))
        assert matching, f"no document matches {pattern}"
        found |= matching
    return sorted(found)


def split(page: Path) -> tuple[list[Block], list[tuple[int, str]]]:
    """The fenced blocks of a page, and the lines outside them with their numbers."""
    blocks: list[Block] = []
    prose: list[tuple[int, str]] = []
    fence, language, start, inside = "", "", 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        mark = _FENCE.match(line)
        if not fence and mark:
            fence, language, start, inside = mark[2], mark[3].strip(), number, []
        elif fence and line.strip() == fence:
            blocks.append(Block(page, start, language, "\n".join(inside) + "\n"))
            fence = ""
        elif fence:
            inside.append(line)
        else:
            prose.append((number, line))
    assert not fence, f"{page}:{start}: a fenced block has no end"
    return blocks, prose
