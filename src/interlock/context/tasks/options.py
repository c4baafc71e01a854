"""How a task of a cluster is to be run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from interlock.pool.jobs import Options

__all__ = ["FarOptions"]


@dataclass(frozen=True)
class FarOptions(Options):
    """As `interlock.pool.Options`, and what a task needs of a cluster.

    Attributes:
        num_cpus: How many CPUs it takes; None for what the cluster takes if it is not told.
        num_gpus: How many GPUs.
        resources: Others, by the names that the cluster's machines were started with.
        keep_remote: Whether its value stays where it was made; the result is a handle then, that
            other tasks may be given and that has ``.get()``.
    """

    num_cpus: float | None = None
    num_gpus: float | None = None
    resources: Mapping[str, float] | None = None
    keep_remote: bool = False

    def with_(self, **changes: Any) -> FarOptions:
        """The same with other values; raises what the constructor raises."""
        changed = super().with_(**changes)
        assert isinstance(changed, FarOptions), "a copy is of the same kind"
        return changed
