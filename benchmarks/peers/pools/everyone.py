"""The pools that need no context; those that are not installed are left out."""

from __future__ import annotations

from .contender import Contender
from .dask_peer import Dask
from .executors import InterlockExecutor, Loky, StandardExecutor
from .joblib_peer import Joblib
from .mpire_peer import Mpire
from .pebble_peer import Pebble
from .ray_peer import Ray

EVERYONE: tuple[type[Contender], ...] = (
    StandardExecutor,
    InterlockExecutor,
    Loky,
    Joblib,
    Mpire,
    Pebble,
    Ray,
    Dask,
)
