"""Every Python program in the documents runs as it stands there, and ends well."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import Block, pages, split

BOUND_S = 60.0
PAGES = pages("README.md", "README.zh-CN.md", "docs/start.md", "docs/guide/*.md")
EXAMPLES = [block for page in PAGES for block in split(page)[0] if block.language == "python"]


def run(program: Path) -> subprocess.CompletedProcess[str]:
    """A program in a folder of its own, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", program.name],
        cwd=program.parent,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


def printed(block: Block) -> list[str]:
    """What the example says it prints: the block of plain text right behind it, if any."""
    blocks = split(block.page)[0]
    behind = blocks[blocks.index(block) + 1 :][:1]
    return behind[0].text.splitlines() if behind and behind[0].language == "text" else []


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda block: block.name)
def test_an_example_runs_as_it_stands(example: Block, tmp_path: Path) -> None:
    """Exit status 0, nothing on standard error, and what the page says it prints."""
    program = tmp_path / "program.py"
    program.write_text(example.text, encoding="utf-8")
    done = run(program)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    if expected := printed(example):
        assert done.stdout.splitlines() == expected


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_page_for_users_has_an_example(page: Path) -> None:
    """A page that loses its examples to a slip in the fences is noticed."""
    assert any(example.page == page for example in EXAMPLES)


def test_both_readmes_show_the_same_program() -> None:
    """The Chinese one differs only in what is printed and in comments."""

    def program(name: str) -> list[str]:
        texts = [example.text for example in EXAMPLES if example.page.name == name]
        lines = (line.split("  #")[0].rstrip() for text in texts for line in text.splitlines())
        return [line for line in lines if "print(" not in line]

    assert program("README.md") == program("README.zh-CN.md")
