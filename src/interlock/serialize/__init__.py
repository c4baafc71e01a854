"""How an object becomes bytes and comes back, and which bytes may build what (P4, P6, P7)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from interlock.serialize.limits import Limits

if TYPE_CHECKING:
    from interlock.serialize.classes import register, serializable, unregister
    from interlock.serialize.codec import decode, encode
    from interlock.serialize.encoding import dumps, loads
    from interlock.serialize.inspection.explanation import Explanation, Part
    from interlock.serialize.inspection.guilty import Guilty, find_guilty
    from interlock.serialize.inspection.walk import explain
    from interlock.serialize.pickles.load import NUMPY, load_pickle
    from interlock.serialize.pickles.static import PickleReport, Verdict, explain_pickle

__all__ = [
    "NUMPY",
    "Explanation",
    "Guilty",
    "Limits",
    "Part",
    "PickleReport",
    "Verdict",
    "decode",
    "dumps",
    "encode",
    "explain",
    "explain_pickle",
    "find_guilty",
    "load_pickle",
    "loads",
    "register",
    "serializable",
    "unregister",
]

# Where each is; loaded when it is first asked for.
_FROM = {
    **dict.fromkeys(("register", "serializable", "unregister"), "classes"),
    **dict.fromkeys(("decode", "encode"), "codec"),
    **dict.fromkeys(("dumps", "loads"), "encoding"),
    **dict.fromkeys(("Explanation", "Part"), "inspection.explanation"),
    "explain": "inspection.walk",
    **dict.fromkeys(("Guilty", "find_guilty"), "inspection.guilty"),
    **dict.fromkeys(("NUMPY", "load_pickle"), "pickles.load"),
    **dict.fromkeys(("PickleReport", "Verdict", "explain_pickle"), "pickles.static"),
}

if not TYPE_CHECKING:  # where names that are not there would be found

    def __getattr__(name: str) -> Any:
        if name in _FROM:
            found = getattr(import_module(f"{__name__}.{_FROM[name]}"), name)
            globals()[name] = found
            return found
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
