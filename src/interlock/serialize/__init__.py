"""How an object becomes bytes and comes back: plain types natively, the rest by pickle."""

from __future__ import annotations

from interlock.serialize.codec import decode, encode
from interlock.serialize.explain import Guilty, find_guilty
from interlock.serialize.limits import Limits

__all__ = ["Guilty", "Limits", "decode", "encode", "find_guilty"]
