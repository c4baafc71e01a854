"""How an object becomes bytes and comes back, and which bytes may build what (P4, P6, P7)."""

from __future__ import annotations

from interlock.serialize.classes import register, serializable, unregister
from interlock.serialize.codec import decode, encode
from interlock.serialize.encoding import dumps, loads
from interlock.serialize.explain import Guilty, find_guilty
from interlock.serialize.limits import Limits

__all__ = [
    "Guilty",
    "Limits",
    "decode",
    "dumps",
    "encode",
    "find_guilty",
    "loads",
    "register",
    "serializable",
    "unregister",
]
