"""What of `multiprocessing` we pass on as it is, under our own names.

Two ways. `interlock.util`, `interlock.spawn` and the like are the machinery
that starts processes. We use the standard library's, and it is full of state
(the logger, the finalizers, the forkserver's socket), so `import interlock.util`
gives the module `multiprocessing.util` itself. A finder at the end of
`sys.meta_path` does it, which is asked only for what no other finder knows;
nine files of two lines each would do the same with more to read.

A module of ours that stands for a whole one of the standard library's names
what is public, and `rest_of` finds everything else where it is.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["MACHINERY", "install", "rest_of"]

MACHINERY = frozenset(
    (
        "forkserver heap popen_fork popen_forkserver popen_spawn_posix "
        "resource_sharer resource_tracker spawn util"
    ).split()
)
_PREFIX = "interlock."


class _Machinery:
    """Finder and loader in one, as both are a few lines."""

    @staticmethod
    def find_spec(name: str, _path: Any = None, _target: Any = None) -> ModuleSpec | None:
        if name.startswith(_PREFIX) and name.removeprefix(_PREFIX) in MACHINERY:
            return ModuleSpec(name, _Machinery)  # type: ignore[arg-type]
        return None

    @staticmethod
    def create_module(_spec: ModuleSpec) -> None:
        """None: an empty module will do, as `exec_module` replaces it."""

    @staticmethod
    def exec_module(module: ModuleType) -> None:
        """The import system takes what it finds in `sys.modules` after this."""
        name = module.__name__
        sys.modules[name] = import_module("multiprocessing." + name.removeprefix(_PREFIX))


def install() -> None:
    """Make MACHINERY importable; called once, by the top."""
    sys.meta_path.append(_Machinery)


def rest_of(module: str) -> Callable[[str], Any]:
    """A module's `__getattr__`: what it does not name itself is looked up in that other one."""

    def look_up(name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(f"module of Interlock for {module!r} has no attribute {name!r}")
        return getattr(import_module(module), name)

    return look_up
