"""Where changes are entered: in a journal, or nowhere."""

from __future__ import annotations

from typing import Any, Protocol

__all__ = [
    "DROP_THING", "HELD", "MAKE_THING", "NO_ITEM", "NO_ITEMS", "SET_ITEM",
    "SET_THING", "SET_TOKENS", "Ledger", "Nowhere",
]  # fmt: skip

# The checks of rows: schema.py. Who has an item has one of its own: to hold a large message does
# not read it.
MAKE_THING = (
    "INSERT INTO things VALUES (?1, ?2, ?3, ?4, 0, NULL, 0, sum_of(?1, ?2, ?3, ?4, 0, NULL, 0))"
)
SET_THING = (
    "UPDATE things SET token = ?1, holder = ?2, ticket = ?3,"
    " sound = sum_of(id, kind, name, options, ?1, ?2, ?3) WHERE id = ?4"
)
SET_TOKENS = "INSERT OR REPLACE INTO meta VALUES ('tokens', ?1, sum_of('tokens', ?1))"
DROP_THING = "DELETE FROM things WHERE id = ?"
SET_ITEM = (
    "INSERT OR REPLACE INTO items VALUES (?1, ?2, ?3, ?4, ?5, NULL, 0,"
    " sum_of(?1, ?2, ?3, ?4), sum_of(?1, ?2, ?5, NULL, 0))"
)
HELD = (
    "UPDATE items SET number = ?1, holder = ?2, ticket = ?3,"
    " holding = sum_of(thing, place, ?1, ?2, ?3) WHERE thing = ?4 AND place = ?5"
)
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
