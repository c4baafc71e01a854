"""Links and paths in the documents lead to something."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, pages, split

PAGES = pages(
    "README.md",
    "README.zh-CN.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    "native/README.md",
    "docs/**/*.md",
)

# The 30 minutes of a newcomer, in the order of the style guide.
NEWCOMERS_PATH = (
    "ARCHITECTURE.md",
    "examples/killed_consumer/broken.py",
    "examples/killed_consumer/fixed.py",
    "src/interlock/queues/queue.py",
    "docs/protocols/ring.md",
    "native/core/ring.hpp",
    "tests/faults/test_queue_consumer_killed.py",
)

# What make makes, or a program writes, is not there in a clean clone.
MADE = (".venv", "build", "dist", "results.jsonl")

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.*?) *$")
_CODE = re.compile(r"`([^`]+)`")
_PATH = re.compile(r"^[\w.-]+(/[\w.*{},-]+)*/?$")
_SUFFIXES = (".md", ".py", ".hpp", ".cpp", ".h", ".toml", ".txt", ".sh", ".jsonl")


def links(page: Path) -> Iterator[tuple[int, str]]:
    """The targets of a page's links, web addresses left out."""
    for number, line in split(page)[1]:
        for target in _LINK.findall(line):
            if "://" not in target and not target.startswith("mailto:"):
                yield number, target


def paths(page: Path) -> Iterator[tuple[int, str]]:
    """What stands in backticks and looks like a path of this repository."""
    tops = {place.name for place in ROOT.iterdir()}
    for number, line in split(page)[1]:
        for code in _CODE.findall(line):
            in_folder = "/" in code and code.endswith(("/", *_SUFFIXES))
            if _PATH.match(code) and (in_folder or code.split("/")[0] in tops):
                yield number, code


def exists(path: str, page: Path) -> bool:
    """Named from the root, from the page, or from one of the two folders of code."""
    if path.split("/")[0] in MADE:
        return True
    bases = (ROOT, page.parent, ROOT / "native", ROOT / "src" / "interlock")
    return any(any(base.glob(path.rstrip("/"))) for base in bases)


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    found = set()
    for _, line in split(page)[1]:
        if heading := _HEADING.match(line):
            words = re.sub(r"[^\w\- ]", "", heading[1].lower())
            found.add(words.replace(" ", "-"))
    return found


def spelled_out(path: str) -> list[str]:
    """`a/{b,c}.py` is two paths."""
    if (braces := re.search(r"\{([^{}]*)\}", path)) is None:
        return [path]
    head, tail = path[: braces.start()], path[braces.end() :]
    return [whole for part in braces[1].split(",") for whole in spelled_out(head + part + tail)]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """The file exists, and where the link names a heading, the heading too."""
    broken = []
    for number, target in links(page):
        name, _, anchor = target.partition("#")
        place = (page.parent / name).resolve() if name else page
        if not place.exists() or (anchor and anchor not in anchors(place)):
            broken.append(f"{page.relative_to(ROOT)}:{number}: {target}")
    assert not broken


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_in_backticks_exists(page: Path) -> None:
    """A file that is moved or renamed takes its mentions along."""
    missing = [
        f"{page.relative_to(ROOT)}:{number}: {path}"
        for number, code in paths(page)
        for path in spelled_out(code)
        if not exists(path, page)
    ]
    assert not missing


@pytest.mark.parametrize("step", NEWCOMERS_PATH)
def test_the_newcomers_path_is_whole(step: str) -> None:
    """Half an hour from the drawing to the code to the fault tests."""
    assert (ROOT / step).is_file()


def test_each_decision_has_a_number_and_the_three_parts() -> None:
    """One page each: context, decision, consequences."""
    numbers = []
    for page in pages("docs/decisions/[0-9]*.md"):
        text = page.read_text(encoding="utf-8")
        numbers.append(page.name[:4])
        assert text.startswith(f"# {page.name[:4]}: "), page.name
        for part in ("## Context", "## Decision", "## Consequences"):
            assert f"\n{part}\n" in text, f"{page.name} has no {part}"
    assert len(numbers) == len(set(numbers))
