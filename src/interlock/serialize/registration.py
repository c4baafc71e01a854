"""How one type travels, and how the codec is told of it (native/codec/kinds.hpp)."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from interlock import _native

__all__ = ["BY_NAME", "DEFINITION_MAX", "FORMS", "HEAD", "MODULE", "Registration", "add_kind"]

FORMS = ("record", "fields", "open", "member", "function", "native", "builtin")
BY_NAME = 0x80  # of a definition's form
HEAD = struct.Struct("<BI")  # form, version
MODULE = b"\0\0"  # before the module's name
DEFINITION_MAX = 0xFFFF  # bytes


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
        module: Where it was registered: a trusted message says what to import for it.
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
    module: str = ""

    def definition(self) -> bytes:
        """How a message introduces the type (native/codec/format.hpp)."""
        names = self.fields if self.form in ("record", "fields") else ()
        text = "\0".join((self.name, *names))
        return HEAD.pack(FORMS.index(self.form), self.version) + text.encode()

    def definition_with_module(self) -> bytes:
        """The same for a reader that may import what it needs."""
        return self.definition() + MODULE + self.module.encode() if self.module else b""


def add_kind(
    registration: Registration,
    fields: Iterable[tuple[str, Any]],
    *,
    version: int | None = None,
    decode: Callable[[Any], Any] | None = None,
) -> int:
    """Tell the codec of a type, or of a version of it; the number of the kind.

    Args:
        registration: How the type travels.
        fields: Names and the descriptions of their checks, in the order of the message.
        version: An older one that may arrive; None for the present one.
        decode: Makes the object of that older version's state.
    """
    older = version is not None and version != registration.version
    return _native.add_kind(
        registration.type,
        registration.form,
        registration.name,
        registration.version if version is None else version,
        registration.definition(),
        registration.definition_with_module(),
        tuple(fields),
        registration.encode,
        decode if older else registration.decode,
        by_name=False,
        older=older,
        trusted_too=registration.trusted_too,
        yields=registration.yields,
        runs_python=registration.runs_python,
    )
