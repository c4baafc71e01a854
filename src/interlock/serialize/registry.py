"""Which types bytes may build, and by whose hands: the table behind the registered level (P4).

A registration says how a type is called in messages (a name and a version), what stands for an
object of it, and what makes an object of that again. The codec asks here once for each type that
it meets and once for each definition that it reads (native/codec/kinds.hpp).
"""

from __future__ import annotations

import copyreg
import struct
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.reduction import ForkingPickler
from pickle import PickleBuffer
from typing import Any

from interlock import _native
from interlock.errors import DecodeError, TypeSerializationError
from interlock.serialize import members
from interlock.serialize.fields import checks_of
from interlock.serialize.refusal import refuse

__all__ = [
    "Registration",
    "add",
    "add_builtin",
    "drop",
    "find",
    "name_of",
    "register_native",
    "registered_types",
]

FORMS = ("record", "fields", "open", "member", "function", "native", "builtin")
_BY_NAME = 0x80  # of a definition's form
_HEAD = struct.Struct("<BI")  # form, version


@dataclass(frozen=True)
class Registration:
    """How one type travels.

    Attributes:
        type: The type; its subclasses are other types.
        form: What stands for an object in a message; one of FORMS.
        name: What messages call the type.
        version: Of what stands for it; from 1.
        fields: Names, of forms record and fields; of form open, those that are annotated.
        encode: Of form function; a capsule of two C functions, of form native.
        decode: Makes the object, of form function; otherwise looks at a finished one, or None.
        migrate: By older version: brings its state to the next version.
        trusted_too: Whether it is used where pickle could do it.
        in_pickles: Whether a pickle uses it as well.
        yields: Whether a reducer that the program registered for the type comes first.
        runs_python: Whether writing it may run Python code.
    """

    type: type
    form: str
    name: str
    version: int = 1
    fields: tuple[str, ...] = ()
    encode: Any = None
    decode: Callable[[Any], Any] | None = None
    migrate: Mapping[int, Callable[[Any], Any]] = field(default_factory=dict)
    trusted_too: bool = True
    in_pickles: bool = True
    yields: bool = False
    runs_python: bool = True

    def definition(self) -> bytes:
        """How a message introduces the type (native/codec/format.hpp)."""
        names = self.fields if self.form in ("record", "fields") else ()
        text = "\0".join((self.name, *names))
        return _HEAD.pack(FORMS.index(self.form), self.version) + text.encode()


_by_name: dict[str, Registration] = {}
_by_type: dict[type, Registration] = {}
reducers: dict[type, Callable[[Any], tuple[Any, ...]]] = {}  # for pickles
_by_name_only: dict[int, weakref.ref[type]] = {}  # Enum classes that a trusted message may name


def add(registration: Registration) -> None:
    """Enter a registration; it replaces one of the same type.

    Raises:
        ValueError: The name belongs to another type.
    """
    known = _by_name.get(registration.name)
    if known is not None and not _is_same(known.type, registration.type):
        raise ValueError(
            f"The name {registration.name!r} is registered for {_shown(known.type)} already, so "
            f"{_shown(registration.type)} cannot have it. Give another one by name=."
        )
    if known is not None:
        drop(known.type)
    drop(registration.type)
    _by_name[registration.name] = registration
    _by_type[registration.type] = registration
    if registration.in_pickles:
        reducers[registration.type] = partial(reduce, registration)
    _add_kind(registration, ((name, None) for name in registration.fields))


def add_builtin(cls: type, name: str) -> None:
    """Enter a type that has a tag of its own, and so no name in messages."""
    _native.add_kind(
        cls,
        "builtin",
        name,
        0,
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
    registration = _known(name)
    if version != registration.version:
        steps = _steps(registration, version, "function")
        for step in steps:
            state = registration.migrate[step](state)
    return _finish(registration, state)


def find(cls: type) -> Registration | None:
    """The registration of exactly this type, made now if it is the standard library's."""
    if cls not in _by_type:
        _find_lazily(cls, False)
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
    add(Registration(cls, "native", name, version, encode=functions))


def _is_same(one: type, other: type) -> bool:
    """The same class, or the same one defined again (a module reloaded, a notebook's cell)."""
    return one is other or _shown(one) == _shown(other)


def _shown(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


# ---- what the codec asks -------------------------------------------------------------------------


def _add_kind(
    registration: Registration,
    fields: Iterator[tuple[str, Any]],
    *,
    version: int | None = None,
    decode: Callable[[Any], Any] | None = None,
) -> int:
    older = version is not None and version != registration.version
    return _native.add_kind(
        registration.type,
        registration.form,
        registration.name,
        registration.version if version is None else version,
        registration.definition(),
        tuple(fields),
        registration.encode,
        decode if older else registration.decode,
        by_name=False,
        older=older,
        trusted_too=registration.trusted_too,
        yields=registration.yields,
        runs_python=registration.runs_python,
    )


def _find_lazily(cls: type, trusted: bool) -> None:
    from interlock.serialize import foreign, standard  # they enter what they know here

    if standard.register_type(cls) or (not trusted and foreign.register_type(cls)):
        return
    if trusted and members.travels_by_name(cls):
        _add_by_name(cls)


def _add_by_name(cls: type) -> int:
    name = f"{cls.__module__}:{cls.__qualname__}"
    address = id(cls)

    def gone(_: object, forget: Callable[[int], None] = _native.forget_type) -> None:
        _by_name_only.pop(address, None)
        forget(address)

    _by_name_only[address] = weakref.ref(cls, gone)
    return _native.add_kind(
        cls,
        "member",
        name,
        0,
        _HEAD.pack(FORMS.index("member") | _BY_NAME, 0) + name.encode(),
        (),
        None,
        None,
        by_name=True,
        older=False,
        trusted_too=True,
        yields=True,
        runs_python=False,
    )


def _find_name(definition: bytes, trusted: bool) -> int:
    """The kind for a definition that the codec has not met.

    Raises:
        DecodeError: Nothing of that name is registered here, or another version.
    """
    try:
        form_code, version = _HEAD.unpack_from(definition)
        name, *names = definition[_HEAD.size :].decode().split("\0")
        form = FORMS[form_code & ~_BY_NAME]
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise DecodeError("A message introduces a type by what is no definition.") from error
    if form_code & _BY_NAME:
        return _find_by_name(name, form, trusted)
    registration = _known(name)
    if version == registration.version:
        return _present(registration, form, tuple(names), trusted)
    return _older(registration, form, version, tuple(names))


def _known(name: str) -> Registration:
    if name not in _by_name:
        from interlock.serialize import foreign, standard

        standard.register_name(name) or foreign.register_name(name)
    registration = _by_name.get(name)
    if registration is None:
        raise DecodeError(
            f"A message holds a {name!r:.200}, and no type is registered by that name here, so it "
            "was not made. Register it in this process too, before the message is read: decorate "
            "the class with @interlock.serializable, or call interlock.register()."
        )
    return registration


def _find_by_name(name: str, form: str, trusted: bool) -> int:
    if not trusted:
        raise DecodeError(
            f"A message names the type {name!r:.200}, which nobody registered; from this source "
            "only registered types are made."
        )
    module, _, path = name.partition(":")
    try:
        __import__(module)
        found: Any = sys.modules[module]
        for step in path.split("."):
            found = getattr(found, step)
    except (ImportError, AttributeError, ValueError, KeyError) as error:
        raise DecodeError(
            f"A message holds a member of the Enum {name!r:.200}, and there is none of that name "
            f"here ({error}). Let both sides import the same module."
        ) from error
    if form != "member" or not members.is_enum(found):
        raise DecodeError(f"A message holds a member of {name!r:.200}, which is no Enum here.")
    return _add_by_name(found)


def _present(registration: Registration, form: str, names: tuple[str, ...], trusted: bool) -> int:
    name = registration.name
    if form != registration.form or (
        form in ("record", "fields") and sorted(names) != sorted(registration.fields)
    ):
        raise DecodeError(
            f"A message holds a {name!r} of version {registration.version} with other fields "
            f"({', '.join(names) or form}) than the class has here "
            f"({', '.join(registration.fields) or registration.form}), so it was not made. Raise "
            "version= whenever the fields change, and give migrate= for the older ones."
        )
    order = names if form == "record" else registration.fields
    if form == "fields" and names != registration.fields:
        raise DecodeError(
            f"A message holds a {name!r} whose fields come in another order than here. Raise "
            "version= when their order changes."
        )
    checks = checks_of(registration.type, order, lenient=trusted)
    return _add_kind(registration, zip(order, checks, strict=True))


def _steps(registration: Registration, version: int, form: str) -> range:
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


def _older(registration: Registration, form: str, version: int, names: tuple[str, ...]) -> int:
    if registration.form == form == "native" and version < registration.version:
        return _add_kind(registration, iter(()), version=version)  # its C function is told
    steps = _steps(registration, version, form)
    checked: list[int] = []

    def decode(state: Any) -> Any:
        for step in steps:
            state = registration.migrate[step](state)
        if form not in ("record", "fields"):
            return _finish(registration, state)
        if not checked:
            checks = checks_of(registration.type, registration.fields, lenient=False)
            fields = zip(registration.fields, checks, strict=True)
            checked.append(_add_kind(registration, fields))
        made = _native.build_kind(checked[0], state)
        if registration.decode is not None:
            registration.decode(made)
        return made

    return _add_kind(registration, ((each, None) for each in names), version=version, decode=decode)


def _finish(registration: Registration, state: Any) -> Any:
    """An object of form open, member or function, from its present state."""
    if registration.form == "open":
        made: Any = object.__new__(registration.type)
        made.__dict__.update(state)
        if registration.decode is not None:
            registration.decode(made)
        return made
    decode = registration.decode or registration.type
    return decode(state)


_native.ask_for_kinds(
    _find_lazily,
    _find_name,
    (copyreg.dispatch_table, ForkingPickler._extra_reducers),  # type: ignore[attr-defined]
    refuse,
)
