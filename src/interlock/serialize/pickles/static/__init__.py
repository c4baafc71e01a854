"""Says what a pickle would do, by a machine that imports nothing and calls nothing."""

from __future__ import annotations

from interlock.serialize.pickles.static.explaining import explain_pickle
from interlock.serialize.pickles.static.report import (
    Call,
    Damage,
    GlobalName,
    PersistentId,
    PickleReport,
    Verdict,
)

__all__ = [
    "Call",
    "Damage",
    "GlobalName",
    "PersistentId",
    "PickleReport",
    "Verdict",
    "explain_pickle",
]
