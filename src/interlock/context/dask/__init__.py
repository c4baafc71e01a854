"""The `dask` context: the cluster that a scheduler of `distributed` has."""

from __future__ import annotations

from interlock.context.dask.context import DaskContext

__all__ = ["DaskContext"]
