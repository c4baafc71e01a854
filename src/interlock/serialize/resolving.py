"""What the codec asks: the kind of a type that it meets, or of a definition that it reads.

Each is asked once; the answer stays in the codec's own table (native/codec/kinds.hpp).
"""

from __future__ import annotations

import copyreg
import struct
import sys
import weakref
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

from interlock import _native
from interlock.errors import DecodeError
from interlock.serialize import members, registry
from interlock.serialize.fields import checks_of
from interlock.serialize.refusal import refuse
from interlock.serialize.registration import (
    BY_NAME,
    FORMS,
    HEAD,
    MODULE,
    Registration,
    add_kind,
)
from interlock.serialize.registry import find_lazily, finish, known, steps_from

__all__: list[str] = []

# How many ways there may be to introduce one type: other orders of its fields, and fields of older
# versions. The codec never frees a kind, and a stranger can think of any number of them.
SPELLINGS_MAX = 64

# Enum classes that a trusted message may name, for as long as they live, and their kinds.
_known_by_name: dict[int, tuple[weakref.ref[type], int]] = {}


def _find_lazily(cls: type, trusted: bool) -> None:
    if not find_lazily(cls, trusted=trusted) and trusted and members.travels_by_name(cls):
        _add_by_name(cls)


def _add_by_name(cls: type) -> int:
    name = f"{cls.__module__}:{cls.__qualname__}"
    address = id(cls)
    if address in _known_by_name and _known_by_name[address][0]() is cls:
        return _known_by_name[address][1]

    def gone(_: object, forget: Callable[[int], None] = _native.forget_type) -> None:
        _known_by_name.pop(address, None)
        forget(address)

    kind = _native.add_kind(
        cls,
        "member",
        name,
        0,
        HEAD.pack(FORMS.index("member") | BY_NAME, 0) + name.encode(),
        b"",
        (),
        None,
        None,
        by_name=True,
        older=False,
        trusted_too=True,
        yields=True,
        runs_python=False,
    )
    _known_by_name[address] = weakref.ref(cls, gone), kind
    return kind


def _find_name(definition: bytes, trusted: bool) -> int:
    """The kind for a definition that the codec has not met.

    Raises:
        DecodeError: Nothing of that name is registered here, or another version.
    """
    try:
        form_code, version = HEAD.unpack_from(definition)
        text, _, module = definition[HEAD.size :].partition(MODULE)
        name, *names = text.decode().split("\0")
        form = FORMS[form_code & ~BY_NAME]
    except (struct.error, UnicodeDecodeError, IndexError) as error:
        raise DecodeError("A message introduces a type by what is no definition.") from error
    if form_code & BY_NAME:
        return _find_by_name(name, form, trusted)
    registration = known(name, module.decode() if trusted else "")
    spellings = registry.spellings.setdefault(name, {})
    if (definition, trusted) not in spellings:
        _check_room(registration, definition, len(spellings))
        make = _present if version == registration.version else _older
        spellings[definition, trusted] = make(registration, form, version, tuple(names), trusted)
    return spellings[definition, trusted]


def _check_room(registration: Registration, definition: bytes, count: int) -> None:
    own = registration.definition(), registration.definition_with_module()
    if count >= SPELLINGS_MAX and definition not in own:
        raise DecodeError(
            f"Messages introduced {registration.name!r} in more than {SPELLINGS_MAX} ways "
            "(versions, fields and their order), so one more is refused. Let all senders use the "
            "same class."
        )


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


def _present(
    registration: Registration, form: str, version: int, names: tuple[str, ...], trusted: bool
) -> int:
    name = registration.name
    if form != registration.form or (
        form in ("record", "fields") and sorted(names) != sorted(registration.fields)
    ):
        raise DecodeError(
            f"A message holds a {name!r} of version {version} with other fields "
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
    return add_kind(registration, zip(order, checks, strict=True))


def _older(
    registration: Registration, form: str, version: int, names: tuple[str, ...], trusted: bool
) -> int:
    if registration.form == form == "native" and version < registration.version:
        return add_kind(registration, iter(()), version=version)  # its C function is told
    steps = steps_from(registration, version, form)
    checked: list[int] = []

    def decode(state: Any) -> Any:
        for step in steps:
            state = registration.migrate[step](state)
        if form not in ("record", "fields"):
            return finish(registration, state)
        if not checked:
            checks = checks_of(registration.type, registration.fields, lenient=False)
            fields = zip(registration.fields, checks, strict=True)
            checked.append(add_kind(registration, fields))
        made = _native.build_kind(checked[0], state)
        if registration.decode is not None:
            registration.decode(made)
        return made

    return add_kind(registration, ((each, None) for each in names), version=version, decode=decode)


_native.ask_for_kinds(
    _find_lazily,
    _find_name,
    (copyreg.dispatch_table, ForkingPickler._extra_reducers),  # type: ignore[attr-defined]
    refuse,
)
