"""The protocol texts name what the code names."""

from __future__ import annotations

import re

from tests.docs.pages import ROOT, pages

TEXTS = {page.name: page.read_text(encoding="utf-8") for page in pages("docs/protocols/*.md")}
SIX_PARTS = (
    "Problem",
    "Data",
    "Steps",
    "What a death leaves",
    "Ordering pairs",
    "Sources",
)


def probe_points() -> list[str]:
    """The table of probe.hpp."""
    code = (ROOT / "native/platform/probe.hpp").read_text(encoding="utf-8")
    table = re.search(r"NAMES\[\] = \{(.*?)\};", code, re.DOTALL)
    assert table is not None
    return re.findall(r'"([\w.]+)"', table[1])


def test_a_protocol_text_has_its_six_parts_in_order() -> None:
    """Whoever has read one finds the place in the next."""
    for page in pages("docs/protocols/*.md"):
        headings = re.findall(r"^## (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert headings == list(SIX_PARTS), page.name


def test_the_text_says_what_a_death_at_each_probe_point_leaves() -> None:
    """P2: no step without its row, and no row without its step."""
    told = [
        point
        for text in TEXTS.values()
        for point in re.findall(
            r"^\| `(\w+\.\w+)` \|",
            text.split("\n## What a death leaves\n")[1].split("\n## ")[0],
            re.MULTILINE,
        )
    ]
    assert sorted(told) == sorted(probe_points())


def test_every_probe_point_is_in_the_code() -> None:
    """A name in the table that no code passes would be a kill test that kills nothing."""
    code = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "native").rglob("*.[ch]pp")
        if file.name != "probe.hpp" and "tests" not in file.parts
    )
    passed = set(re.findall(r'INTERLOCK_PROBE\("([\w.]+)"\)', code))
    assert passed == set(probe_points())


def test_comments_refer_to_sections_that_exist() -> None:
    """`docs/protocols/ring.md, "Waiting"` in a header leads to that heading."""
    headings = {
        name: set(re.findall(r"^#{2,3} (.*)$", text, re.MULTILINE)) for name, text in TEXTS.items()
    }
    for file in sorted((ROOT / "native").rglob("*.[ch]pp")):
        text = file.read_text(encoding="utf-8")
        for page, named in re.findall(r'(\w+\.md), "([^"]+)"', text):
            assert named in headings.get(page, {named}), f"{file.relative_to(ROOT)}: {named}"
