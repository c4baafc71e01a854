"""What of a manager's registry a server has for its clients.

A manager's registry says of each typeid how an object is made, which methods are exposed and what
becomes of their results, in `multiprocessing`'s words. A server has a table of functions for each
(objects.py). The usual kinds have tables of their own, whose methods do not wait in threads; of
other classes it is what is public, or named.
"""

from __future__ import annotations

import inspect
import queue
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import managers as standard
from typing import Any

from interlock.managers.kinds import containers, locks, pools, queues, signals
from interlock.managers.local.factories import Factory
from interlock.managers.objects import Checks, Exposed, Method, Registry
from interlock.managers.typed import SERVED
from interlock.pool import Pool
from interlock.queues import Queue as OurQueue

__all__ = ["Entry", "server_registry"]

Entry = tuple[
    Any, Any, Any, Any
]  # of a manager's registry: callable, exposed, method_to_typeid, proxy
_ATTRIBUTES = {"__getattribute__": "read", "__setattr__": "write", "__delattr__": "remove"}


@dataclass(frozen=True)
class Kind:
    """One of the usual kinds.

    Attributes:
        make: Makes one.
        methods: What clients may call.
    """

    make: Callable[..., Any]
    methods: Mapping[str, Callable[..., Any]]


def _queue(maxsize: int = 0) -> Any:
    return queue.Queue(maxsize)


def _of(cls: type, names: str) -> dict[str, Callable[..., Any]]:
    return {name: getattr(cls, name) for name in (*names.split(), "__repr__")}


_LOCK = "acquire release token locked"
KINDS: dict[str, Kind] = {
    "Array": Kind(containers.make_array, containers.ARRAY),
    "Barrier": Kind(
        signals.Barrier, _of(signals.Barrier, "wait abort reset parties n_waiting broken")
    ),
    "BoundedSemaphore": Kind(
        locks.BoundedSemaphore, _of(locks.Semaphore, "acquire release get_value")
    ),
    "Condition": Kind(
        locks.Condition, _of(locks.Condition, "acquire release wait notify notify_all")
    ),
    "Event": Kind(signals.Event, _of(signals.Event, "is_set set clear wait")),
    "JoinableQueue": Kind(_queue, queues.METHODS),
    "Lock": Kind(locks.Lock, _of(locks.Lock, _LOCK)),
    "Namespace": Kind(containers.Namespace, {**containers.ATTRIBUTES, "__repr__": repr}),
    "Queue": Kind(_queue, queues.METHODS),
    "RLock": Kind(locks.RLock, _of(locks.RLock, _LOCK)),
    "Semaphore": Kind(locks.Semaphore, _of(locks.Semaphore, "acquire release get_value")),
    "Value": Kind(containers.make_value, containers.VALUE),
    "dict": Kind(dict, containers.DICT),
    "list": Kind(list, containers.LIST),
}

# What a program may have registered itself, as `multiprocessing` does.
_STANDARD: dict[Any, str] = {
    dict: "dict",
    list: "list",
    queue.Queue: "Queue",
    standard.Namespace: "Namespace",
    standard.Value: "Value",  # type: ignore[attr-defined]
    standard.Array: "Array",  # type: ignore[attr-defined]
    threading.Barrier: "Barrier",
    threading.BoundedSemaphore: "BoundedSemaphore",
    threading.Condition: "Condition",
    threading.Event: "Event",
    threading.Lock: "Lock",
    threading.RLock: "RLock",
    threading.Semaphore: "Semaphore",
}


def server_registry(entries: Mapping[str, Entry], tasks: pools.Tasks) -> Registry:
    """The table of a server, from the registry of a manager.

    Args:
        entries: The registry.
        tasks: The functions that its pools may run.

    Raises:
        ValueError: A name is exposed that cannot be, as it is private or part of Python itself.
        TypeError: The annotations of a class cannot be resolved.
    """
    made = Registry()
    for typeid, entry in entries.items():
        made.enter(_of_pool(typeid, tasks) if entry[0] is Pool else _entry(typeid, entry))
    return made


def _of_pool(typeid: str, tasks: pools.Tasks) -> Exposed:
    quick = [name for name, each in pools.METHODS.items() if name in ("close",)]
    made = Registry().register(
        typeid,
        cls=object,
        exposed=pools.METHODS,
        returns=pools.RETURNS,
        inline=quick,
        checks="none",
    )
    factory = Registry.factory(typeid, partial(pools.ServedPool, tasks), checks="none")
    return replace(made, factory=factory)


def _entry(typeid: str, entry: Entry) -> Exposed:
    make, exposed, returns, proxy = entry
    is_own = not isinstance(make, Factory) and exposed != getattr(proxy, "_exposed_", None)
    given = exposed if is_own else None
    kind = _kind_of(make)
    if kind is not None:
        found = _of_kind(typeid, KINDS[kind], given)
        plain = Registry.factory(typeid, KINDS[kind].make, checks="none")
        return replace(
            found, factory=replace(plain, runs="inline", takes_objects=kind == "Condition")
        )
    factory = None if make is None else _factory(typeid, make)
    if isinstance(make, type):
        found = _of_class(typeid, make, exposed, returns, given is not None)
        return replace(found, factory=factory)
    return Exposed(typeid, factory, {}, _Each(typeid, exposed, given, returns))


def _factory(typeid: str, make: Callable[..., Any]) -> Method:
    made = Registry.factory(typeid, make, checks=_checks(make))
    return replace(made, takes_objects=True)


def _checks(of: Any) -> Checks:
    return "all" if of in SERVED else "known"


def _kind_of(make: Any) -> str | None:
    if isinstance(make, Factory):
        return make.kind
    try:
        return _STANDARD.get(make)
    except TypeError:  # it cannot be hashed
        return None


def _of_kind(typeid: str, kind: Kind, given: Iterable[str] | None) -> Exposed:
    methods = kind.methods
    if given is not None:
        names = {_ATTRIBUTES.get(name, name) for name in given}
        methods = {name: function for name, function in methods.items() if name in names}
    quick = [name for name, each in methods.items() if not inspect.iscoroutinefunction(each)]
    return Registry().register(typeid, cls=object, exposed=methods, inline=quick, checks="none")


def _of_class(
    typeid: str,
    cls: type,
    exposed: Iterable[str] | None,
    returns: Mapping[str, str] | None,
    must_have_all: bool,
) -> Exposed:
    names = _public(cls) if exposed is None else exposed
    table: dict[str, Callable[..., Any]] = {}
    for name in names:
        if name in _ATTRIBUTES:
            table[_ATTRIBUTES[name]] = containers.ATTRIBUTES[_ATTRIBUTES[name]]
        elif must_have_all or hasattr(cls, name):  # what its proxy's class exposes may be more
            table[name] = getattr(cls, name, None)  # type: ignore[assignment]
    table |= {name: call for name, call in queues.waits_of(cls).items() if name in table}
    made = Registry().register(typeid, cls=cls, exposed=table, returns=returns, checks=_checks(cls))
    return _taking_objects(made)


def _public(of: object) -> list[str]:
    names = [name for name in dir(of) if not name.startswith("_")]
    return [*(name for name in names if callable(getattr(of, name, None))), "__repr__"]


def _taking_objects(exposed: Exposed) -> Exposed:
    methods: dict[str, Method] = {
        name: replace(method, takes_objects=True) for name, method in exposed.methods.items()
    }
    return replace(exposed, methods=methods)


class _Each:
    """Finds the methods of what a function has returned: of its class, or its own (a module's)."""

    def __init__(
        self,
        typeid: str,
        exposed: Iterable[str] | None,
        given: Iterable[str] | None,
        returns: Mapping[str, str] | None,
    ) -> None:
        self._typeid, self._exposed, self._given = typeid, exposed, given
        self._returns = returns

    def __call__(self, target: object) -> Exposed:
        kind = _KIND_OF_TYPE.get(type(target))
        if queues.is_standard(target):
            kind = "Queue"
        if kind is not None:
            return _of_kind(self._typeid, KINDS[kind], self._given)
        if isinstance(target, OurQueue):
            methods = queues.methods_of_ours(target)
            return _of_kind(self._typeid, Kind(type(target), methods), self._given)
        own = getattr(target, "__dict__", {})
        names = _public(target) if self._exposed is None else list(self._exposed)
        if any(name in own for name in names):
            table = {name: _called(name) for name in names}
            made = Registry().register(
                self._typeid, cls=object, exposed=table, returns=self._returns, checks="known"
            )
            return _taking_objects(made)
        return _of_class(
            self._typeid, type(target), self._exposed, self._returns, self._given is not None
        )


def _called(name: str) -> Callable[..., Any]:
    def call(target: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(target, name)(*args, **kwargs)

    return call


_KIND_OF_TYPE: dict[type, str] = {
    dict: "dict",
    list: "list",
    locks.Lock: "Lock",
    locks.RLock: "RLock",
    signals.Event: "Event",
}
