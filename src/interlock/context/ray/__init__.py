"""The `ray` context: a cluster of Ray; imported with the extra ``ray`` alone."""

from __future__ import annotations

from interlock.context.ray.context import RayContext

__all__ = ["RayContext"]
