"""The standard library's `multiprocessing`: what every ratio is taken to."""

from __future__ import annotations

import multiprocessing
from typing import Any

NAME = "multiprocessing"


def context(start_method: str) -> Any:
    """A context of `multiprocessing`."""
    return multiprocessing.get_context(start_method)
