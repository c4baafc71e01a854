"""Packages whose modules load when a name of theirs is first used.

A worker that is started anew imports one module of a package, and its first task waits for all
that the package's `__init__` imports: of pools and of `interlock.testing` that was most of it.
A name must not be that of a module beside it, which would take its place when it is loaded.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["late"]


def late(
    package: str,
    modules: Mapping[str, str],
    otherwise: Callable[[str], Any] | None = None,
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """A package's `__getattr__` and `__dir__`.

    Args:
        package: Its name.
        modules: Of its modules, the names they have for it: `{"pool": "Pool"}`; several with
            spaces between, and as `NAME=NAME_THERE` where the module has another.
        otherwise: Its `__getattr__` for all other names.
    """
    places: dict[str, tuple[str, str]] = {}
    for module, names in modules.items():
        for name, _, name_there in (each.partition("=") for each in names.split()):
            places[name] = f"{package}.{module}", name_there or name

    def look_up(name: str) -> Any:
        if name in places:
            module, name_there = places[name]
            found = getattr(import_module(module), name_there)
            setattr(sys.modules[package], name, found)  # the next look does not come here
            return found
        if otherwise is not None:
            return otherwise(name)
        raise AttributeError(f"module {package!r} has no attribute {name!r}")

    def list_names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return look_up, list_names
