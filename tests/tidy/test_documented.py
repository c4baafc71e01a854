"""A good and a bad sample for docstrings."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from tidy_checks.documented import documented

Found = Callable[..., list[str]]

PATH = "src/interlock/queues/queue.py"
GOOD = '''"""A queue."""

class Queue:
    """Messages in order."""

    def get(self, block=True, timeout=None):
        """Takes one.

        Raises:
            Empty: None came.

        If a process dies: its messages stay.
        """

    def get_nowait(self):
        """Takes one if there is one."""

    def qsize(self): "How many."
    def _wake(self): ...
    @property
    def aio(self): "The awaited view."
    @aio.setter
    def aio(self, value): ...

class AsyncQueue:
    """Awaited."""

    async def get(self):
        """As `Queue.get`, awaited."""
'''


def test_documented_names_pass_and_a_reference_takes_over_sections(found: Found) -> None:
    """Private names, setters and what never blocks need no more than their line."""
    assert found(documented, {PATH: GOOD}) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"""A queue."""', "", "first line"),
        ('"""Messages in order."""', "", "public Queue has no docstring"),
        ('"How many."', "...", "public Queue.qsize has no docstring"),
        ("Raises:", "Errors:", "Queue.get blocks, but its docstring has no `Raises:`"),
        ("If a process dies: its", "The", "no `If a process dies:`"),
        ("As `Queue.get`, awaited.", "Takes one.", "AsyncQueue.get blocks"),
        ("As `Queue.get`, awaited.", "As `Queue.gone`, awaited.", "AsyncQueue.get blocks"),
        ("def qsize(self)", "def qsize(self, timeout)", "Queue.qsize blocks"),
        ("def qsize(self)", "def wait_empty(self)", "Queue.wait_empty blocks"),
    ],
)
def test_what_is_missing_is_found(found: Found, old: str, new: str, message: str) -> None:
    """P3 is a promise about deaths: whoever blocks says what a death does."""
    assert old in GOOD
    assert any(message in finding for finding in found(documented, {PATH: GOOD.replace(old, new)}))
