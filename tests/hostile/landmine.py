"""A module that nobody imports: it rings when somebody does."""

from __future__ import annotations

from tests.hostile.victims import ring

ring()
