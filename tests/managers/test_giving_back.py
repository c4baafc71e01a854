"""What a client gives back when there is room for it; and after its children were told."""

from __future__ import annotations

import pytest

from interlock.managers.calling.access import Access
from interlock.managers.calling.returns import Returns
from interlock.managers.wire.bodies import Call

CHILD, DROPPED = b"a child", (7, 2)


class Server:
    """Has room for calls of some methods."""

    def __init__(self, *methods: str) -> None:
        self.has_room_for = {*methods}
        self.told: list[str] = []

    def send(self, call: Call, buffers: list[memoryview]) -> bool:
        if call.method not in self.has_room_for:
            return False
        self.told.append(call.method)
        return True


@pytest.fixture
def access() -> Access:
    made = Access(lambda reference: b"", None)
    made.forks.append(CHILD)
    made.dropped.append(DROPPED)
    return made


def test_what_was_not_given_back_for_want_of_room_is_later(access: Access) -> None:
    """P5: or the server would keep it until the end of the session."""
    server = Server("lend")
    returns = Returns(access, server.send)
    returns.give_back()
    assert (server.told, [*access.dropped]) == (["lend"], [DROPPED])
    server.has_room_for.add("release")
    returns.give_back()
    returns.give_back()
    assert server.told == ["lend", "release"]
    assert not access.dropped and not access.forks


def test_children_are_told_of_first(access: Access) -> None:
    """P2: they may have what their parent has dropped since."""
    server = Server("release")
    returns = Returns(access, server.send)
    returns.give_back()
    assert (server.told, [*access.dropped], [*access.forks]) == ([], [DROPPED], [CHILD])
    server.has_room_for.add("lend")
    returns.give_back()
    assert server.told == ["lend", "release"]
