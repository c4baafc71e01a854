"""What `interlock serve MODULE:NAME` names: a program's own types, and who may use them."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass

from interlock.cli.usage import Unusable
from interlock.managers import BaseManager
from interlock.managers.auth import Permissions
from interlock.managers.objects import Registry
from interlock.managers.remote.tables import server_registry

__all__ = ["Program", "named"]


@dataclass(frozen=True)
class Program:
    """What a program lets clients make.

    Attributes:
        registry: Its types.
        permissions: Who may use what, as its manager was made with; None for all.
        hide_tracebacks: Whether errors go to clients without the server's stack.
    """

    registry: Registry
    permissions: Permissions | None = None
    hide_tracebacks: bool = False


def named(text: str) -> Program:
    """What MODULE:NAME names: a manager's class, a manager, or a registry.

    Raises:
        Unusable: It is not there, or none of these.
    """
    module, colon, name = text.partition(":")
    if not (colon and module and name.isidentifier()):
        raise Unusable(f"{text}: give MODULE:NAME, such as myproject.shared:Manager")
    sys.path.insert(0, "")
    try:
        found = getattr(importlib.import_module(module), name)
        return _program(text, found)
    except Unusable:
        raise
    except Exception as error:
        raise Unusable(
            f"{text} cannot be had ({type(error).__name__}: {error}); give MODULE:NAME, such as "
            "myproject.shared:Manager"
        ) from error


def _program(text: str, found: object) -> Program:
    if isinstance(found, Registry):
        return Program(found)
    if isinstance(found, BaseManager):
        registry = server_registry(found._registry, found._tasks)
        if found._remote is None:
            return Program(registry)
        terms = found._remote._given
        return Program(registry, terms.permissions, terms.hide_tracebacks)
    if isinstance(found, type) and issubclass(found, BaseManager):
        return Program(server_registry(found._registry, found._tasks))
    raise Unusable(
        f"{text} is of type {type(found).__name__}; give a class of interlock.managers.BaseManager "
        "or an object of one, or an interlock.managers.objects.Registry"
    )
