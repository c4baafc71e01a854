"""Classes with any combination of pickle's hooks, and objects of them that log who called which.

A class is made from its `Shape` when it is first asked for, and is found by name in this module
from then on, as a class of a program is.
"""

from __future__ import annotations

import contextlib
import copyreg
import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.reduction import ForkingPickler
from typing import Any

from hypothesis import strategies

__all__ = ["BASES", "Shape", "logged", "make", "shapes"]

_log: list[tuple[Any, ...]] = []
_UNSET = "unset"


@dataclass(frozen=True)
class _Frozen:
    label: str = ""
    extra: Any = None


@dataclass(frozen=True, slots=True)
class _FrozenSlotted:
    label: str = ""
    extra: Any = None


class _SlottedBase:
    __slots__ = ("base_slot", "extra", "label")


BASES: dict[str, type] = {
    **{kind.__name__: kind for kind in (object, list, dict, set, tuple, int, str, Exception)},
    **{kind.__name__: kind for kind in (_Frozen, _FrozenSlotted, _SlottedBase)},
}
_TAKES_VALUE = ("int", "str", "tuple")
_SLOTS: dict[str, tuple[str, ...] | None] = {
    "": None,
    "empty": (),
    "some": ("label", "extra"),
    "and dict": ("label", "extra", "__dict__"),
    "private": ("label", "extra", "__hidden"),
}


@dataclass(frozen=True)
class Shape:
    """Which hooks a class has, and what each of them does; "" for none."""

    base: str = "object"
    slots: str = ""
    metaclass: str = ""
    new: str = ""
    newargs: str = ""
    getstate: str = ""
    setstate: str = ""
    reduce: str = ""
    returns: str = "2"
    registered: str = ""

    @property
    def name(self) -> str:
        """Of its class in this module."""
        return "_".join(("Made", *dataclasses.astuple(self))).replace(" ", "")

    def is_possible(self) -> bool:
        """Whether Python makes a class of it."""
        if self.base in ("int", "tuple"):
            return self.slots in ("", "empty")
        if self.base in ("Exception", "_Frozen"):
            return self.slots != "and dict"
        return self.base not in ("_FrozenSlotted", "_SlottedBase") or self.slots in ("", "empty")


def logged() -> list[tuple[Any, ...]]:
    """The calls of hooks since it was last asked."""
    calls = _log.copy()
    _log.clear()
    return calls


def _note(hook: str, made: Any, *more: Any) -> None:
    _log.append((hook, _label(made), *more))


def _label(made: Any) -> str:
    label: str = getattr(made, "label", _UNSET)
    return label


# ---- what the hooks answer -----------------------------------------------------------------------


def _raise(error: type[Exception]) -> Any:
    raise error("a hook's own")


_GETSTATE: dict[str, Callable[[Any], Any]] = {
    "dict": lambda made: {"label": _label(made), "extra": getattr(made, "extra", None)},
    "none": lambda made: None,
    "false": lambda made: 0,
    "empty": lambda made: {},
    "pair": lambda made: ({"by": "pair"}, {"label": _label(made)}),
    "slots": lambda made: (None, {"label": _label(made), "extra": [made]}),
    "list": lambda made: ["any", _label(made)],
    "itself": lambda made: {"label": _label(made), "extra": made},
    "raises": lambda made: _raise(LookupError),
    "raises TypeError": lambda made: _raise(TypeError),
}


def _set_state(made: Any, state: Any) -> None:
    for name, value in (("label", "by setstate"), ("extra", state)):
        _set(made, name, value)


_SETSTATE: dict[str, Callable[[Any, Any], Any]] = {
    "sets": _set_state,
    "ignores": lambda made, state: None,
    "raises": lambda made, state: _raise(LookupError),
    "raises AttributeError": lambda made, state: _raise(AttributeError),
}


def build(cls: type, label: str) -> Any:
    """What ``__reduce__`` has called."""
    _log.append(("build", cls.__name__, label))
    return _bare(cls, label)


def apply_state(made: Any, state: Any) -> None:
    """What ``__reduce__`` has its state set by."""
    _note("apply_state", made, type(state).__name__)
    _set_state(made, state)


def class_of(name: str) -> Any:
    """What a metaclass's reducer has called."""
    _log.append(("class_of", name))
    return globals()[name]


def _state(made: Any) -> Any:
    return {"label": _label(made), "extra": getattr(made, "extra", None)}


_RETURNS: dict[str, Callable[[Any], Any]] = {
    "2": lambda made: (build, (type(made), _label(made))),
    "3": lambda made: (build, (type(made), _label(made)), _state(made)),
    "3 false": lambda made: (build, (type(made), _label(made)), ()),
    "4": lambda made: (build, (type(made), _label(made)), None, iter(["item", [1]])),
    "5": lambda made: (build, (type(made), _label(made)), None, None, iter([("key", [2])])),
    "all 5": lambda made: (
        *(build, (type(made), _label(made)), _state(made)),
        *(iter([1, 2]), iter({"k": 3}.items())),
    ),
    "6": lambda made: (build, (type(made), _label(made)), _state(made), None, None, apply_state),
    "newobj": lambda made: (copyreg.__newobj__, (type(made), "5"), _state(made)),  # type: ignore[attr-defined]
    "newobj_ex": lambda made: (
        copyreg.__newobj_ex__,  # type: ignore[attr-defined]
        (type(made), ("5",), {"extra": 1}),
        _state(made),
    ),
    "own name": lambda made: f"{type(made).__name__}_{_label(made)}",
    "no name": lambda made: "found_nowhere",
    "another's name": lambda made: "build",
    "1": lambda made: (build,),
    "7": lambda made: (build, (), None, None, None, None, None),
    "no function": lambda made: ("build", ()),
    "no arguments": lambda made: (build, [type(made), "1"]),
    "no iterator": lambda made: (build, (type(made), "1"), None, [1, 2]),
    "number": lambda made: 5,
    "raises": lambda made: _raise(LookupError),
    "raises AttributeError": lambda made: _raise(AttributeError),
}
_INHERITED = "inherited"
_SOUND = ("2", "3", "4", "5", "6", "newobj", "own name", _INHERITED)

# ---- classes -------------------------------------------------------------------------------------


class _Meta(type):
    """A metaclass without reducers: its classes travel by name."""


class _RegisteredMeta(type):
    """A metaclass whose classes travel by what is registered for it."""


def _reduce_class(cls: type) -> Any:
    _log.append(("reduce class", cls.__name__))
    return class_of, (cls.__name__,)


copyreg.pickle(_RegisteredMeta, _reduce_class)
_METACLASSES = {"": type, "plain": _Meta, "registered": _RegisteredMeta}


def _class(shape: Shape) -> Any:
    """The class of a shape, made when it is first asked for."""
    if shape.name in globals():
        return globals()[shape.name]
    base = BASES[shape.base]
    body: dict[str, Any] = {"__module__": __name__, "__qualname__": shape.name}
    slots = _SLOTS[shape.slots]
    if slots is not None:
        body["__slots__"] = slots
    body.update(_new_hooks(shape, base), **_state_hooks(shape), **_reduce_hooks(shape))
    made = _METACLASSES[shape.metaclass](shape.name, (base,), body)
    globals()[shape.name] = made
    _register(made, shape.registered)
    return made


def _new_hooks(shape: Shape, base: Any) -> dict[str, Any]:
    least, takes_value = int(shape.new == "requires"), shape.base in _TAKES_VALUE

    def new(cls: Any, *arguments: Any, **named: Any) -> Any:
        _log.append(("__new__", cls.__name__, len(arguments), tuple(named)))
        if len(arguments) < least:
            raise TypeError("__new__ takes an argument")
        return base.__new__(cls, *(arguments[:1] if takes_value else ()))

    def newargs(made: Any) -> Any:
        _note("__getnewargs__", made)
        return ["5"] if shape.newargs == "no tuple" else ("5",)

    def newargs_ex(made: Any) -> Any:
        _note("__getnewargs_ex__", made)
        return ("5",) if shape.newargs == "no pair" else (("5",), {"extra": 1})

    body: dict[str, Any] = {"__new__": new} if shape.new else {}
    if shape.newargs in ("plain", "both", "no tuple"):
        body["__getnewargs__"] = newargs
    if shape.newargs in ("ex", "both", "no pair"):
        body["__getnewargs_ex__"] = newargs_ex
    return body


def _state_hooks(shape: Shape) -> dict[str, Any]:
    def getstate(made: Any) -> Any:
        _note("__getstate__", made)
        return _GETSTATE[shape.getstate](made)

    def setstate(made: Any, state: Any) -> None:
        _note("__setstate__", made, type(state).__name__)
        _SETSTATE[shape.setstate](made, state)

    body: dict[str, Any] = {"__getstate__": getstate} if shape.getstate else {}
    return {**body, "__setstate__": setstate} if shape.setstate else body


def _reduce_hooks(shape: Shape) -> dict[str, Any]:
    if shape.reduce == "none":
        return {"__reduce_ex__": None}
    base: Any = BASES[shape.base]

    def reduce(made: Any) -> Any:
        _note("__reduce__", made)
        inherited = shape.returns == _INHERITED
        return base.__reduce__(made) if inherited else _RETURNS[shape.returns](made)

    def reduce_ex(made: Any, protocol: int) -> Any:
        _note("__reduce_ex__", made, protocol)
        inherited = shape.returns == _INHERITED
        return base.__reduce_ex__(made, protocol) if inherited else _RETURNS[shape.returns](made)

    body: dict[str, Any] = {}
    if shape.reduce in ("plain", "both"):
        body["__reduce__"] = reduce
    if shape.reduce in ("ex", "both"):
        body["__reduce_ex__"] = reduce_ex
    return body


def _register(cls: type, where: str) -> None:
    def reducer(made: Any) -> Any:
        _note("copyreg", made)
        return build, (cls, _label(made))

    def forking(made: Any) -> Any:
        _note("ForkingPickler", made)
        return build, (cls, _label(made)), _state(made)

    if where in ("copyreg", "both"):
        copyreg.pickle(cls, reducer)
    if where in ("ForkingPickler", "both"):
        ForkingPickler.register(cls, forking)


# ---- objects -------------------------------------------------------------------------------------


def make(shape: Shape, label: str, extra: Any) -> Any:
    """An object of the class of a shape.

    Args:
        shape: Of its class.
        label: What the log calls it; a number.
        extra: An attribute; None for the object itself.
    """
    cls = _class(shape)
    made = _bare(cls, label)
    _set(made, "extra", made if extra is None else extra)
    if shape.reduce == "instance":
        _set(made, "__reduce_ex__", _InstanceHook(made, shape.returns))
    if isinstance(made, list):
        made.append(extra)
    elif isinstance(made, dict):
        made["extra"] = extra
    globals()[f"{shape.name}_{label}"] = made
    return made


class _InstanceHook:
    """A hook in an object's own attributes, where pickle looks too. It does not travel itself."""

    def __init__(self, made: Any, returns: str) -> None:
        self.made, self.returns = made, returns

    def __call__(self, protocol: int) -> Any:
        _note("its own __reduce_ex__", self.made, protocol)
        return _RETURNS.get(self.returns, _RETURNS["3"])(self.made)


def _bare(cls: Any, label: str) -> Any:
    base: Any = next(kind for kind in cls.__mro__ if kind in BASES.values())
    made = base.__new__(cls, *((label,) if base in (int, str, tuple) else ()))
    _set(made, "label", label)
    return made


def _set(made: Any, name: str, value: Any) -> None:
    """Set an attribute of even a frozen dataclass, if there is a place for it."""
    with contextlib.suppress(AttributeError):
        object.__setattr__(made, name, value)


def shapes() -> strategies.SearchStrategy[Shape]:
    """Any combination of hooks; hooks of the same kind more often than all kinds at once."""

    def some(*names: str) -> strategies.SearchStrategy[str]:
        return strategies.just("") | strategies.sampled_from(("", *names))

    built = strategies.builds(
        Shape,
        base=strategies.sampled_from(sorted(BASES)),
        slots=strategies.sampled_from(sorted(_SLOTS)),
        metaclass=some(*filter(None, _METACLASSES)),
        new=some("any", "requires"),
        newargs=some("plain", "ex", "both", "no tuple", "no pair"),
        getstate=some(*_GETSTATE),
        setstate=some(*_SETSTATE),
        reduce=some("plain", "ex", "both", "instance", "none"),
        returns=strategies.sampled_from(_SOUND)
        | strategies.sampled_from(sorted((*_RETURNS, _INHERITED))),
        registered=some("", "", "", "copyreg", "ForkingPickler", "both"),
    )
    return built.filter(Shape.is_possible)
