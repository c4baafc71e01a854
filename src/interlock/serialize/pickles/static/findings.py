"""What the symbolic machine notes down while it goes through pickles."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.serialize.pickles.static.report import Call, Damage, GlobalName, PersistentId

__all__ = ["Findings"]

REASONS_MAX = 1000


@dataclass
class Findings:
    """The lists of a report as they grow.

    Each entry is kept once by the byte of its opcode: pickles that follow others are gone
    through twice (see `explaining`).
    """

    globals: dict[tuple[int, str], GlobalName] = field(default_factory=dict)
    calls: dict[tuple[int, str], Call] = field(default_factory=dict)
    persistent_ids: dict[tuple[int, str], PersistentId] = field(default_factory=dict)
    buffers: set[int] = field(default_factory=set)
    values: dict[int, str] = field(default_factory=dict)
    concerns: dict[str, int] = field(default_factory=dict)
    damage: Damage | None = None
    protocol: int = 0
    beyond_limits: bool = False

    def note_global(self, found: GlobalName) -> None:
        """A name is imported."""
        self.globals.setdefault((found.offset, found.text), found)

    def note_call(self, call: Call) -> None:
        """Something is called."""
        self.calls.setdefault((call.offset, call.text), call)

    def note_id(self, found: PersistentId) -> None:
        """The loading program is asked for an object."""
        self.persistent_ids.setdefault((found.offset, found.text), found)

    def note_concern(self, reason: str, offset: int) -> None:
        """Something of this would run code; told once, with the first byte."""
        if len(self.concerns) < REASONS_MAX:
            self.concerns.setdefault(reason, offset)

    def note_damage(self, reason: str, offset: int) -> None:
        """A loader gives up here, or at least one loader does; the first counts."""
        if self.damage is None:
            self.damage = Damage(offset, reason)
