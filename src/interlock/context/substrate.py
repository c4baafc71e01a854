"""SubstrateContext: the base of contexts whose work runs in something else than our processes.

A subclass defines what its substrate can do, under the names of `INTERFACE`, and says in
`absent` what to use instead of the rest:

    class TinyContext(SubstrateContext):
        _name = "tiny"
        runs_in = "tiny machines"
        kills = False  # and copies, other_machines; see `Capabilities`
        absent: ClassVar[Mapping[str, str]] = {"RWLock": "a Lock of this context"}

        def Lock(self) -> TinyLock: ...

What it neither defines nor names is absent all the same: nothing of `BaseContext` that makes
things of processes is inherited. Of an absent name ``hasattr`` is False, and the error is
`NotInContext`, which says what to use instead.

What is shared by all contexts is inherited: `get_context`, `get_start_method` (the name),
`capabilities`, `close` and ``with``, `cpu_count`, logging, the exceptions.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from interlock.context.base import BaseContext
from interlock.context.capabilities import INTERFACE
from interlock.errors import NotInContext

__all__ = ["SubstrateContext"]

# Of processes of this machine, beside what a context makes.
_OF_PROCESSES = (*INTERFACE, "active_children", "current_process", "parent_process", "reducer")
_DEFAULT = 'what `interlock.get_context("spawn")` makes'


class SubstrateContext(BaseContext):
    """A context on another substrate than processes; see the head of this module.

    Attributes:
        runs_in: What its work runs in, in words.
        absent: What it has not, each with what to use instead.
    """

    _name: ClassVar[str] = ""
    absent: ClassVar[Mapping[str, str]] = {}
    runs_in: ClassVar[str] = ""
    _makes_processes = False  # for a pool that is given it, and would need some

    def __init_subclass__(cls, **arguments: Any) -> None:
        super().__init_subclass__(**arguments)
        own = cls.__mro__[: cls.__mro__.index(SubstrateContext)]
        for name in _OF_PROCESSES:
            defined = next((vars(each)[name] for each in own if name in vars(each)), None)
            if defined is None or isinstance(defined, _Absent):
                setattr(cls, name, _Absent(name, cls.absent.get(name, _DEFAULT)))
        cls.absent = {name: vars(cls)[name].instead for name in INTERFACE if _is_absent(cls, name)}

    def __dir__(self) -> list[str]:
        return [name for name in super().__dir__() if not _is_absent(type(self), name)]


class _Absent:
    """In the place of what a substrate cannot do."""

    def __init__(self, name: str, instead: str) -> None:
        self.name = name
        self.instead = instead

    def __get__(self, context: SubstrateContext | None, kind: type[SubstrateContext]) -> Any:
        raise NotInContext(
            f"The context {kind._name!r} has no {self.name}. Use {self.instead}.",
            kind._name,
            self.name,
            self.instead,
        )


def _is_absent(kind: type, name: str) -> bool:
    return isinstance(vars(kind).get(name), _Absent)
