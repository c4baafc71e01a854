"""What the symbolic machine notes down while it goes through pickles."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.errors import DecodeError
from interlock.serialize.pickles.static.report import Call, Damage, GlobalName, PersistentId

__all__ = ["Exhausted", "Findings"]

REASONS_MAX = 1000
TEXT_MAX = 8 * 1024 * 1024  # bytes of all texts that are noted, about


class Exhausted(DecodeError):
    """The limits of the explanation were reached before the end."""


@dataclass
class Findings:
    """The lists of a report as they grow.

    Each entry is kept once by the byte of its opcode: pickles that follow others are gone
    through twice (see `explaining`).
    """

    globals: dict[tuple[int, str], GlobalName] = field(default_factory=dict)
    calls: dict[tuple[int, str, str], Call] = field(default_factory=dict)
    persistent_ids: dict[tuple[int, str], PersistentId] = field(default_factory=dict)
    buffers: set[int] = field(default_factory=set)
    values: dict[int, str] = field(default_factory=dict)
    concerns: dict[str, int] = field(default_factory=dict)
    damage: Damage | None = None
    protocol: int = 0
    beyond_limits: bool = False
    text_left: int = TEXT_MAX

    def note_global(self, found: GlobalName) -> None:
        """A name is imported; raises Exhausted if there is no room to note it."""
        self._take_room(found.offset, found.text)
        self.globals.setdefault((found.offset, found.text), found)

    def note_call(self, call: Call) -> None:
        """Something is called; as `note_global`."""
        self._take_room(call.offset, call.callable, call.arguments, call.does)
        self.calls.setdefault((call.offset, call.callable, call.arguments), call)

    def note_id(self, found: PersistentId) -> None:
        """The loading program is asked for an object; as `note_global`."""
        self._take_room(found.offset, found.text)
        self.persistent_ids.setdefault((found.offset, found.text), found)

    def note_concern(self, reason: str, offset: int) -> None:
        """Something of this would run code; told once, with the first byte."""
        if len(self.concerns) < REASONS_MAX:
            self.concerns.setdefault(reason, offset)

    def note_damage(self, reason: str, offset: int) -> None:
        """A loader gives up here, or at least one loader does; the first counts."""
        if self.damage is None:
            self.damage = Damage(offset, reason)

    def _take_room(self, offset: int, *texts: str) -> None:
        self.text_left -= sum(len(text) * (1 if text.isascii() else 4) for text in texts)
        if self.text_left < 0:
            raise Exhausted("has more names and calls than can be told", offset=offset)
