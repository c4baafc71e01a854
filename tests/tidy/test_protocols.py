"""A good and a bad sample for what binds native code, protocol texts and tests together."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tidy_checks import protocols

Found = Callable[..., list[str]]

RING = """// Small messages: I1, I4. Not I/O, not the R2D2.
// SYNC ring.commit: pairs with the acquire in read()
head.store(1, Order::release);

int x = head.load(Order::acquire);  // SYNC ring.commit
"""
RING_MD = "# The ring\n\nI1 a message is visible ... I4 no lost wake-up.\n\n`ring.commit`: pairs.\n"
CMAKE = 'file(GLOB tests "test_*.cpp")\ntarget_compile_definitions(x INTERLOCK_SYSTEMATIC)\n'
GOOD = {
    "native/core/ring.hpp": RING,
    "native/tests/test_ring.cpp": "// The ring.\n",
    "native/tests/CMakeLists.txt": CMAKE,
    "docs/protocols/ring.md": RING_MD,
    "src/interlock/queues/queue.py": '"""Keeps I1."""\nI9 = 1  # I4 as well\n',
}
CHECKS = [
    protocols.texts_of_headers,
    protocols.tests_of_headers,
    protocols.sync_pairs,
    protocols.weak_orders,
    protocols.invariants,
]


@pytest.mark.parametrize("check", CHECKS)
def test_a_header_told_tested_and_paired_passes(found: Found, check: object) -> None:
    """One name in code, protocol text and test."""
    excuses: list[dict[str, str]] = [{}] if check in CHECKS[:2] else []
    assert found(check, GOOD, *excuses) == []


def test_a_header_without_text_needs_a_mention_or_a_reason(found: Found) -> None:
    """`core/blocks.hpp` in another text will do, or an entry in reasons.py."""
    bare = GOOD | {"native/core/blocks.hpp": ""}
    assert found(protocols.texts_of_headers, bare, {})[0].startswith("native/core/blocks.hpp:1: ")
    assert found(protocols.texts_of_headers, bare, {"blocks": "in ring.md"}) == []
    told = bare | {"docs/protocols/ring.md": RING_MD + "\nSee `native/core/blocks.hpp`.\n"}
    assert found(protocols.texts_of_headers, told, {}) == []


def test_a_header_without_test_needs_a_reason(found: Found) -> None:
    """Every structure is tried by threads and by the scheduler."""
    bare = GOOD | {"native/core/blocks.hpp": ""}
    assert found(protocols.tests_of_headers, bare, {})[0].startswith("native/core/blocks.hpp:1: ")
    assert found(protocols.tests_of_headers, bare, {"blocks": "by test_ring"}) == []


@pytest.mark.parametrize("check", CHECKS[:2])
def test_an_excuse_that_no_longer_holds_is_found(found: Found, check: object) -> None:
    """The table of reasons does not rot."""
    assert "drop the excuse" in found(check, GOOD, {"ring": "why"})[0]
    assert "does not have" in found(check, GOOD, {"gone": "why"})[0]


def test_a_test_built_once_is_found(found: Found) -> None:
    """CMake builds each test with real threads and under the seeded scheduler."""
    once = GOOD | {"native/tests/CMakeLists.txt": "add_executable(test_ring test_ring.cpp)"}
    assert "built twice" in found(protocols.tests_of_headers, once, {})[0]


@pytest.mark.parametrize(
    ("check", "path", "old", "new", "place"),
    [
        (protocols.sync_pairs, "native/core/ring.hpp", "  // SYNC ring.commit", "", "ring.hpp:2"),
        (protocols.sync_pairs, "docs/protocols/ring.md", "ring.commit", "commit", "ring.hpp:2"),
        (protocols.weak_orders, "native/core/ring.hpp", "  // SYNC ring.commit", "", "ring.hpp:5"),
        (protocols.weak_orders, "native/core/ring.hpp", "// SYNC ring", "// ring", "ring.hpp:3"),
        (protocols.invariants, "native/core/ring.hpp", "I4", "I7", "ring.hpp:1"),
        (protocols.invariants, "src/interlock/queues/queue.py", "# I4", "# R7", "queue.py:2"),
        (protocols.invariants, "docs/protocols/ring.md", "I1", "the first", "ring.hpp:1"),
    ],
)
def test_a_name_that_lost_its_partner_is_found(
    found: Found, check: object, path: str, old: str, new: str, place: str
) -> None:
    """Comments that drift are the fault this holds."""
    assert old in GOOD[path]
    findings = found(check, GOOD | {path: GOOD[path].replace(old, new)})
    assert findings and f"{place}: " in findings[0]
