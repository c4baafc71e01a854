"""How an object becomes bytes and comes back: plain types natively, the rest by pickle."""

from __future__ import annotations

from interlock.serialize.codec import decode, encode
from interlock.serialize.explain import Guilty, find_guilty

__all__ = ["Guilty", "decode", "encode", "find_guilty"]
