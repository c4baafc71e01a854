"""Interlock itself, by the names it shares with `multiprocessing` and no others."""

from __future__ import annotations

import importlib
from typing import Any

NAME = "interlock"


def context(start_method: str) -> Any:
    """A context of Interlock; imported here, so that the rest runs without it."""
    return importlib.import_module("interlock").get_context(start_method)
