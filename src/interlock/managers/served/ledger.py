"""Where changes are entered: in a journal, or nowhere."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = [
    "DROP_THING", "FREE_ITEMS", "HELD", "MAKE_THING", "NO_ITEM", "NO_ITEMS", "SET_ITEM",
    "SET_THING", "Ledger", "Nowhere",
]  # fmt: skip

MAKE_THING = (
    "INSERT INTO things (id, kind, name, options, token, holder, ticket)"
    " VALUES (?, ?, ?, ?, 0, NULL, 0)"
)
SET_THING = "UPDATE things SET token = ?, holder = ?, ticket = ? WHERE id = ?"
DROP_THING = "DELETE FROM things WHERE id = ?"
SET_ITEM = (
    "INSERT OR REPLACE INTO items (thing, place, key, value, number, holder, ticket)"
    " VALUES (?, ?, ?, ?, ?, NULL, 0)"
)
HELD = "UPDATE items SET number = ?, holder = ?, ticket = ? WHERE thing = ? AND place = ?"
FREE_ITEMS = "UPDATE items SET holder = NULL WHERE thing = ? AND holder = ? AND ticket = ?"
NO_ITEM = "DELETE FROM items WHERE thing = ? AND place = ?"
NO_ITEMS = "DELETE FROM items WHERE thing = ?"


class Ledger(Protocol):
    """Takes every change of a served object, in the order in which they are made."""

    def enter(self, statement: str, values: tuple[Any, ...], *, repeatable: bool = False) -> None:
        """Enter a change.

        Args:
            statement: One of those above.
            values: Of its parameters.
            repeatable: Whether the call that makes it may be run again after a restart, and then
                gives the same; its answer need not be kept.
        """


class Nowhere:
    """The ledger of a server without a journal."""

    def enter(self, statement: str, values: tuple[Any, ...], *, repeatable: bool = False) -> None:
        """Forget it."""
