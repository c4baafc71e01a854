"""`serializable` and `register`: how a program says which of its types bytes may build (P4)."""

from __future__ import annotations

import dataclasses
import sys
import types
import typing
from collections.abc import Callable, Mapping
from enum import Flag
from functools import partial
from inspect import getattr_static
from typing import Any, TypeVar, overload

from interlock.serialize import registry
from interlock.serialize.members import flag_of, is_enum, member_of
from interlock.serialize.registry import Registration

__all__ = ["register", "serializable", "unregister"]

C = TypeVar("C", bound=type)
T = TypeVar("T")

Migrations = Mapping[int, Callable[[Any], Any]]
Validate = Callable[[Any], object] | str | None


@overload
def serializable(cls: C, /) -> C: ...
@overload
def serializable(
    *,
    name: str | None = None,
    version: int = 1,
    migrate: Migrations | None = None,
    validate: Validate = None,
) -> Callable[[C], C]: ...
def serializable(
    cls: Any = None,
    /,
    *,
    name: str | None = None,
    version: int = 1,
    migrate: Migrations | None = None,
    validate: Validate = None,
) -> Any:
    """Register a class of this program: its objects travel under every trust.

    For plain classes, dataclasses, attrs classes, NamedTuples, Enums, msgspec Structs and pydantic
    models. What travels is the fields that the class declares, or, of a plain class, the
    attributes of the object. On the other side an object is made without calling ``__init__``,
    and each field that has a type hint is checked: a value of another type is refused with the
    path to it. Objects may be shared and contain themselves. A pydantic model is made by its own
    validation, and the validators of an attrs class are run.

    Args:
        cls: The class; given when it is used as a plain decorator.
        name: What messages call it, the same on both sides; ``module.qualname`` by default.
        version: Of its fields, from 1. Raise it when they change.
        migrate: For each older version that may still arrive, a function that brings its state
            (a dict of the fields by name; for an Enum the value) to the next version.
        validate: Called with each object once it is made from bytes, or the name of a method;
            what it raises refuses the message. ``"__post_init__"`` for a dataclass that checks
            its fields there.

    Returns:
        The class itself.

    Raises:
        TypeError: The class says in a way of its own how it is made, which must be registered
            with `register`.
        ValueError: The name belongs to another class, or the version is less than 1.

    Example:
        >>> import interlock
        >>> @interlock.serializable
        ... class Point:
        ...     x: float
        ...     y: float
        ...     def __init__(self, x, y):
        ...         self.x, self.y = x, y
        >>> data = interlock.serialize.dumps([Point(1.0, 2.0)])
        >>> interlock.serialize.loads(data)[0].y
        2.0
    """
    if cls is None:
        return partial(_decorate, name=name, version=version, migrate=migrate, validate=validate)
    return _decorate(cls, name=name, version=version, migrate=migrate, validate=validate)


def register(
    cls: type[T],
    /,
    *,
    encode: Callable[[T], Any] | None = None,
    decode: Callable[[Any], T] | None = None,
    name: str | None = None,
    version: int = 1,
    migrate: Migrations | None = None,
) -> None:
    """Register a type of another library: its objects travel under every trust.

    Args:
        cls: The type. Its subclasses are other types.
        encode: Called with an object; returns what stands for it: plain values, objects of
            registered types, and `pickle.PickleBuffer` for memory that is to be handed over
            without a copy. Without it and `decode`, the type is registered as `serializable`
            does it.
        decode: Called with that; returns the object. The state may come from a stranger: what it
            raises refuses the message. A PickleBuffer arrives as a memoryview, read-only unless
            the receiver asked for ``writable=True``.
        name: What messages call it, the same on both sides; ``module.qualname`` by default.
        version: Of what `encode` returns, from 1. Raise it when that changes.
        migrate: For each older version that may still arrive, a function that brings its state
            to the next version.

    Raises:
        TypeError: Only one of `encode` and `decode` is given, or one that cannot be called; or
            without them the type cannot be registered.
        ValueError: The name belongs to another type, or the version is less than 1.

    Example:
        >>> import interlock, fractions
        >>> class Price:
        ...     def __init__(self, cents): self.cents = cents
        >>> interlock.register(Price, encode=lambda p: p.cents, decode=Price)
        >>> interlock.serialize.loads(interlock.serialize.dumps(Price(250))).cents
        250
    """
    if encode is None and decode is None:
        _decorate(cls, name=name, version=version, migrate=migrate, validate=None)
        return
    if not callable(encode) or not callable(decode):
        raise TypeError("register() takes encode and decode together, both of them functions")
    called, steps = _checked(cls, name, version, migrate)
    registry.add(
        Registration(
            cls,
            "function",
            called,
            version,
            encode=encode,
            decode=decode,
            migrate=steps,
            module=sys._getframe(1).f_globals.get("__name__", ""),
        )
    )


def unregister(cls: type, /) -> None:
    """Forget a type that was registered; messages under way are not affected.

    Raises:
        LookupError: It is not registered.
    """
    if not registry.drop(cls):
        raise LookupError(f"{cls!r} is not registered")


def _checked(
    cls: Any, name: str | None, version: int, migrate: Migrations | None
) -> tuple[str, Migrations]:
    """The name and the migrations, if they can be these.

    Raises:
        TypeError, ValueError: They cannot.
    """
    if not isinstance(cls, type):
        raise TypeError(f"only a class can be registered, not {cls!r}")
    if type(version) is not int:
        raise TypeError(f"version is an int, not {type(version).__name__}")
    if not 1 <= version < 1 << 32:
        raise ValueError(f"version is at least 1, not {version}")
    called: Any = registry.name_of(cls) if name is None else name
    if not isinstance(called, str):
        raise TypeError(f"name is a str, not {type(called).__name__}")
    if not called or "\0" in called or len(called.encode(errors="replace")) > 1000:
        raise ValueError(f"{called!r:.100} cannot be a name: 1 to 1000 bytes without a NUL can")
    steps = dict(migrate or {})
    for older, function in steps.items():
        if type(older) is not int or not 1 <= older < version:
            raise ValueError(f"migrate has a function for version {older!r}; {version} is present")
        if not callable(function):
            raise TypeError(f"migrate[{older}] is no function: {function!r}")
    return called, steps


def _decorate(
    cls: Any,
    *,
    name: str | None,
    version: int,
    migrate: Migrations | None,
    validate: Validate,
) -> Any:
    called, steps = _checked(cls, name, version, migrate)
    options = _shape(cls)
    if validate is not None:
        if options["form"] in ("function", "member"):
            raise TypeError(f"{cls.__qualname__} is made by its own rules; it takes no validate=")
        options["decode"] = _validator(cls, validate)
    options["module"] = cls.__module__
    registry.add(Registration(cls, name=called, version=version, migrate=steps, **options))
    return cls


def _validator(cls: type, validate: Any) -> Callable[[Any], object]:
    if isinstance(validate, str):
        if not callable(getattr(cls, validate, None)):
            raise TypeError(f"{cls.__qualname__} has no method {validate!r} to validate with")
        return lambda made: getattr(made, validate)()
    if not callable(validate):
        raise TypeError(f"validate is a function or the name of a method, not {validate!r}")
    return typing.cast(Callable[[Any], object], validate)


# ---- the shapes of classes -----------------------------------------------------------------------


def _shape(cls: Any) -> dict[str, Any]:
    """How objects of the class travel: arguments of its Registration.

    Raises:
        TypeError: It says in a way of its own how it is made.
    """
    if is_enum(cls):
        decode = partial(flag_of if issubclass(cls, Flag) else member_of, cls)
        return {"form": "member", "decode": decode, "in_pickles": False}
    if issubclass(cls, tuple) and hasattr(cls, "_fields"):
        return {**_of_fields(cls, cls._fields), "form": "fields"}
    if hasattr(cls, "__struct_fields__"):
        return _msgspec(cls)
    if "pydantic" in sys.modules and hasattr(cls, "model_validate"):
        return _pydantic(cls)
    if cls.__new__ is not object.__new__ or cls.__basicsize__ < object.__basicsize__:
        raise TypeError(
            f"{registry.name_of(cls)} is made by a __new__ of its own, so it cannot be made of its "
            "fields. Register it with interlock.register(cls, encode=..., decode=...)."
        )
    if dataclasses.is_dataclass(cls):
        declared: Any = cls
        return _of_fields(declared, tuple(field.name for field in dataclasses.fields(declared)))
    if hasattr(cls, "__attrs_attrs__"):
        return _attrs(cls)
    return _plain(cls)


def _of_fields(cls: type, names: tuple[str, ...]) -> dict[str, Any]:
    return {
        "form": "record",
        "fields": names,
        "in_pickles": False,
        "runs_python": _reading_runs_code(cls, names),
    }


def _reading_runs_code(cls: type, names: tuple[str, ...]) -> bool:
    """Whether an attribute of this name may be a property, or be found by code of the class."""
    if issubclass(cls, tuple):
        return False  # its items are read
    if isinstance(cls.__getattribute__, types.FunctionType) or hasattr(cls, "__getattr__"):
        return True
    places = (getattr_static(cls, name, None) for name in names)
    return any(
        hasattr(type(place), "__get__") and not isinstance(place, types.MemberDescriptorType)
        for place in places
    )


def _attrs(cls: Any) -> dict[str, Any]:
    import attr

    names = tuple(attribute.name for attribute in cls.__attrs_attrs__)
    validators = any(attribute.validator is not None for attribute in cls.__attrs_attrs__)
    return {**_of_fields(cls, names), "decode": attr.validate if validators else None}


def _msgspec(cls: Any) -> dict[str, Any]:
    from interlock.serialize.models import decode_struct, encode_struct

    return {
        "form": "function",
        "encode": encode_struct,
        "decode": partial(decode_struct, cls),
        "in_pickles": False,
    }


def _pydantic(cls: Any) -> dict[str, Any]:
    from interlock.serialize.models import decode_model, encode_model

    return {
        "form": "function",
        "encode": encode_model,
        "decode": partial(decode_model, cls),
        "in_pickles": False,
    }


def _plain(cls: Any) -> dict[str, Any]:
    own = "__reduce__", "__reduce_ex__", "__getnewargs__", "__getnewargs_ex__"
    if any(getattr(cls, name, None) is not getattr(object, name, None) for name in own):
        raise TypeError(
            f"{registry.name_of(cls)} says by a hook of pickle how it is made, which only pickle "
            "can do. Register it with interlock.register(cls, encode=..., decode=...)."
        )
    if hasattr(cls, "__setstate__"):
        return _by_state(cls)
    slots = tuple(_slots(cls))
    has_dict = cls.__dictoffset__ != 0
    if slots and has_dict:
        raise TypeError(
            f"{registry.name_of(cls)} has both slots and a __dict__; what of it is to travel is "
            "for you to say: interlock.register(cls, encode=..., decode=...)."
        )
    if slots:
        return _of_fields(cls, slots)
    annotated = tuple(
        name for base in reversed(cls.__mro__) for name in getattr(base, "__annotations__", ())
    )
    return {"form": "open", "fields": tuple(dict.fromkeys(annotated)), "in_pickles": False}


def _by_state(cls: Any) -> dict[str, Any]:
    """By ``__getstate__`` and ``__setstate__``, which the class has for this."""

    def decode(state: Any) -> Any:
        made = cls.__new__(cls)
        made.__setstate__(state)
        return made

    return {
        "form": "function",
        "encode": lambda made: made.__getstate__(),
        "decode": decode,
        "in_pickles": False,
    }


def _slots(cls: type) -> typing.Iterator[str]:
    for base in reversed(cls.__mro__):
        slots = base.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name in ("__dict__", "__weakref__"):
                continue
            private = name.startswith("__") and not name.endswith("__")
            yield f"_{base.__name__.lstrip('_')}{name}" if private else name
