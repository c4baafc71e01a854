"""Which types bytes may build, and by whose hands: the table behind the registered level (P4).

A registration says how a type is called in messages (a name and a version), what stands for an
object of it, and what makes an object of that again.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable
from functools import partial
from pickle import PickleBuffer
from typing import Any

from interlock import _native
from interlock.errors import DecodeError, TypeSerializationError
from interlock.serialize.registration import DEFINITION_MAX, Registration, add_kind

__all__ = [
    "Registration",
    "add",
    "add_alike",
    "add_builtin",
    "drop",
    "find",
    "finish",
    "known",
    "name_of",
    "reducers",
    "register_native",
    "registered_types",
    "spellings",
    "steps_from",
]

_by_name: dict[str, Registration] = {}
_by_type: dict[type, Registration] = {}
reducers: dict[type, Callable[[Any], tuple[Any, ...]]] = {}  # for pickles
# By name, and by definition and trust: the kinds that were made for messages to be read.
spellings: dict[str, dict[tuple[bytes, bool], int]] = {}
# The types of a library are entered one after another: who comes meanwhile waits for all of them.
_lazily = threading.RLock()
os.register_at_fork(after_in_child=lambda: _lazily._at_fork_reinit())  # type: ignore[attr-defined]


def add(registration: Registration) -> None:
    """Enter a registration; it replaces one of the same type.

    Raises:
        ValueError: The name belongs to another type, or its fields' names are too long.
    """
    present = _by_name.get(registration.name)
    if present is not None and not _is_same(present.type, registration.type):
        raise ValueError(
            f"The name {registration.name!r} is registered for {_shown(present.type)} already, so "
            f"{_shown(registration.type)} cannot have it. Give another one by name=."
        )
    if len(registration.definition_with_module()) > DEFINITION_MAX:
        raise ValueError(
            f"The names of the fields of {_shown(registration.type)} are longer than "
            f"{DEFINITION_MAX} bytes in all. Register it with encode= and decode=."
        )
    if present is not None:
        drop(present.type)
    drop(registration.type)
    _by_name[registration.name] = registration
    _by_type[registration.type] = registration
    if registration.in_pickles:
        reducers[registration.type] = partial(reduce, registration)
    add_kind(registration, ((name, None) for name in registration.fields))


def add_alike(cls: type, name: str, encode: Callable[[Any], Any]) -> None:
    """Have objects of a type written as those of a registered one, and be read as that.

    In pickles, and where the bytes are trusted, they go their own way.

    Args:
        cls: The type.
        name: What messages call the registered one.
        encode: Makes the state that the registered one has.
    """
    other = known(name)
    alike = Registration(
        cls,
        "function",
        name,
        other.version,
        encode=encode,
        decode=other.decode,
        trusted_too=False,
        in_pickles=False,
    )
    _by_type[cls] = alike
    add_kind(alike, ())


def add_builtin(cls: type, name: str) -> None:
    """Enter a type that has a tag of its own, and so no name in messages."""
    _native.add_kind(
        cls,
        "builtin",
        name,
        0,
        b"",
        b"",
        (),
        None,
        None,
        by_name=False,
        older=False,
        trusted_too=True,
        yields=True,
        runs_python=False,
    )


def drop(cls: type) -> bool:
    """Forget a type; whether it was known. Messages under way are not affected."""
    registration = _by_type.pop(cls, None)
    if registration is None:
        return False
    reducers.pop(cls, None)
    spellings.pop(registration.name, None)
    if _by_name.get(registration.name) is registration:
        del _by_name[registration.name]
    _native.forget_type(id(cls))
    return True


def reduce(registration: Registration, obj: Any) -> tuple[Any, ...]:
    """What a pickle has for an object that only its registration can write."""
    buffers: list[Any] = []
    data = _native.encode(obj, None, buffers)
    if data is not None:
        return restore, (data, [PickleBuffer(buffer) for buffer in buffers])
    if registration.form != "function":
        raise TypeSerializationError(
            f"A part of a {registration.name} cannot be written by its C function: it is neither "
            "plain nor registered. Register its type."
        )
    return restore_state, (registration.name, registration.version, registration.encode(obj))


def restore(data: bytes, buffers: list[Any]) -> Any:
    """Undoes `reduce`; its name is in pickles."""
    return _native.decode(data, None, buffers)


def restore_state(name: str, version: int, state: Any) -> Any:
    """Undoes `reduce` for what is made of parts that only pickle knows.

    Raises:
        DecodeError: Nothing of that name is registered here, or another version.
    """
    registration = known(name)
    if version != registration.version:
        steps = steps_from(registration, version, "function")
        for step in steps:
            state = registration.migrate[step](state)
    return finish(registration, state)


def find(cls: type) -> Registration | None:
    """The registration of exactly this type, made now if it is the standard library's."""
    if cls not in _by_type:
        find_lazily(cls)
    return _by_type.get(cls)


def registered_types() -> dict[str, type]:
    """All types that are registered now, by name."""
    return {name: registration.type for name, registration in _by_name.items()}


def name_of(cls: type) -> str:
    """What a type is called in messages unless a name is given: as in the parent after spawn."""
    module = "__main__" if cls.__module__ == "__mp_main__" else cls.__module__
    return f"{module}.{cls.__qualname__}"


def register_native(cls: type, name: str, version: int, functions: Any) -> None:
    """The C API's `register_type` (native/include/interlock.h).

    Raises:
        TypeError: ``cls`` is no type.
        ValueError: The name belongs to another type, or the version is 0.
    """
    if not isinstance(cls, type):
        raise TypeError(f"register_type takes a type, not {type(cls).__name__}")
    if version < 1:
        raise ValueError(f"the version of {name!r} is at least 1, not {version}")
    add(Registration(cls, "native", name, version, encode=functions, module=cls.__module__))


def _is_same(one: type, other: type) -> bool:
    """The same class, or the same one defined again (a module reloaded, a notebook's cell)."""
    return one is other or _shown(one) == _shown(other)


def _shown(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def find_lazily(cls: type, *, trusted: bool = False) -> bool:
    """Register a type of the standard library, of numpy, pandas or pyarrow; whether it is one."""
    from interlock.serialize import foreign, standard  # they enter what they know here

    with _lazily:
        present = _by_type.get(cls)
        if present is not None and (present.trusted_too or not trusted):
            return True  # another thread was first
        return standard.register_type(cls) or (not trusted and foreign.register_type(cls))


def known(name: str, module: str = "") -> Registration:
    """The registration of a name; a trusted message may say which module makes it.

    Raises:
        DecodeError: There is none.
    """
    if name not in _by_name:
        from interlock.serialize import foreign, standard

        with _lazily:
            if name not in _by_name:
                standard.register_name(name) or foreign.register_name(name)
    if name not in _by_name and module:
        with contextlib.suppress(ImportError):
            __import__(module)
    registration = _by_name.get(name)
    if registration is None:
        raise DecodeError(
            f"A message holds a {name!r:.200}, and no type is registered by that name here, so it "
            "was not made. Register it in this process too, before the message is read: decorate "
            "the class with @interlock.serializable, or call interlock.register()."
        )
    return registration


def steps_from(registration: Registration, version: int, form: str) -> range:
    """The versions from which a state has to be brought up, one after another.

    Raises:
        DecodeError: It is newer than the one here, or a function is missing.
    """
    name, present = registration.name, registration.version
    if version > present:
        raise DecodeError(
            f"A message holds a {name!r} of version {version}, and this process knows it up to "
            f"version {present}. Update this program, or let the sender use the older one."
        )
    steps = range(version, present)
    missing = [step for step in steps if step not in registration.migrate]
    if version < 1 or missing or form != registration.form:
        raise DecodeError(
            f"A message holds a {name!r} of version {version}, and this process has version "
            f"{present} and no function that migrates it, so it was not made. Give "
            f"migrate={{{version}: function}} where the type is registered, or update the sender."
        )
    return steps


def finish(registration: Registration, state: Any) -> Any:
    """An object of form open, member or function, from its present state."""
    if registration.form == "open":
        made: Any = object.__new__(registration.type)
        made.__dict__.update(state)
        if registration.decode is not None:
            registration.decode(made)
        return made
    decode = registration.decode or registration.type
    return decode(state)
