"""Which names a pickle may use, and what is found under them.

A name is a module and a qualified name, exactly as written. What is not on the list is not
looked for: its module is not imported. What is found must call itself by that name, so that
an alias of something else (``from os import system`` in an allowed module) is no way to it.
A dotted name leads through classes only: through a function it would reach ``__globals__``.

Names of two kinds need no permission. PLAIN are classes of values without harm; their
arguments are checked (`arguments.py`). HELPERS are functions that `pickle` writes for plain
values; they are never called, but done here by hand (`calls.py`).
"""

from __future__ import annotations

import enum
import importlib
import re
import sys
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Iterable
from types import ModuleType
from typing import Any

from interlock.serialize.pickles.dangerous import is_dangerous
from interlock.serialize.pickles.refused import Refused, RefusedName

__all__ = ["HELPERS", "PLAIN", "Helper", "Names"]

_PLAIN = {
    "builtins": (
        "object bool int float complex str bytes bytearray list tuple dict set frozenset "
        "range slice Ellipsis NotImplemented"
    ),
    "collections": "OrderedDict deque Counter defaultdict ChainMap UserDict UserList UserString",
    "datetime": "date time datetime timedelta timezone",
    "zoneinfo": "ZoneInfo",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "uuid": "UUID SafeUUID",
    "pathlib": "PurePath PurePosixPath PureWindowsPath Path PosixPath WindowsPath",
    "ipaddress": ("IPv4Address IPv6Address IPv4Network IPv6Network IPv4Interface IPv6Interface"),
    "types": "SimpleNamespace",
    "array": "array",
}
_EXCEPTIONS = {
    ("builtins", name)
    for name, value in vars(sys.modules["builtins"]).items()
    if isinstance(value, type) and issubclass(value, BaseException)
}

PLAIN: frozenset[tuple[str, str]] = frozenset(
    {(module, name) for module, names in _PLAIN.items() for name in names.split()} | _EXCEPTIONS
)
HELPERS: frozenset[tuple[str, str]] = frozenset(
    {
        ("_codecs", "encode"),
        ("array", "_array_reconstructor"),
        ("builtins", "getattr"),
        ("builtins", "type"),
        ("copyreg", "__newobj__"),
        ("copyreg", "__newobj_ex__"),
        ("copyreg", "_reconstructor"),
        ("zoneinfo", "ZoneInfo._unpickle"),
    }
)
# Only as Python writes them; as a name to allow, a misunderstanding.
_FOR_PYTHON = {("builtins", "getattr"), ("builtins", "type")}
# Done by hand as well, but only if they are named: numpy would be imported.
_NUMPY_HELPERS = {
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy._core.numeric", "_frombuffer"),
}
_OLD_NUMPY = "numpy.core."
_NEW_NUMPY = "numpy._core."
_QUALNAME = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*")


class Helper:
    """Stands on the stack for a function that is done by hand; it is no value."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name


class Names:
    """The names of one reading, and the objects that were found under them."""

    def __init__(self, allow: Iterable[str]) -> None:
        """Reads the list.

        Raises:
            TypeError: ``allow`` is a str, or has something else than str.
            ValueError: An entry is not ``module:qualname``, or one that would hand over
                the whole process, such as ``os:system``.
        """
        if isinstance(allow, str):
            raise TypeError(f"allow is a tuple of names, not one str: allow=({allow!r},)")
        self._allowed = {_present_spelling(*_entry(text)) for text in allow}
        self._found: dict[tuple[str, str], Any] = {}
        self._named: dict[int, tuple[str, str]] = {}

    def find(self, module: str, name: str, protocol: int) -> Any:
        """What the pickle means by a name; a `Helper` for what is done by hand.

        Raises:
            RefusedName: The name is not allowed, or what is there has another.
        """
        if protocol < 3:
            module, name = _python_3(module, name)
        asked = module, name
        if protocol < 4 and "." in name:
            raise Refused(f"Protocol {protocol} has no dotted names such as {name!r}")
        key = _present_spelling(module, name)
        if key not in self._found:
            self._found[key] = self._find(key, asked)
            if not isinstance(self._found[key], Helper):
                self._named[id(self._found[key])] = key
        return self._found[key]

    def key_of(self, value: Any) -> tuple[str, str] | None:
        """The name under which this very object was found, None if it was not."""
        return self._named.get(id(value))

    def attribute(self, owner: Any, name: str) -> Any:
        """What ``getattr(owner, name)`` is for, in a pickle: a dotted name, or an enum's member."""
        key = self.key_of(owner)
        if key is None or type(name) is not str or not isinstance(owner, type):
            raise Refused("getattr is asked for something else than a name within a class")
        if isinstance(owner, enum.EnumMeta) and name in owner.__members__:
            return owner.__members__[name]
        return self.find(key[0], f"{key[1]}.{name}", 4)

    def _find(self, key: tuple[str, str], asked: tuple[str, str]) -> Any:
        if key in HELPERS or (key in _NUMPY_HELPERS and key in self._allowed):
            return Helper(*key)
        if key in self._allowed:
            return _only_itself(*key, _walk(*key))
        if key in PLAIN:
            return _walk(*key)
        raise RefusedName(
            *asked,
            f"The pickle names {asked[0][:200]!r}, {asked[1][:200]!r}, which is not allowed",
            "If its sender may use it, add 'module:name' to allow=; nothing was imported.",
        )


def _entry(text: str) -> tuple[str, str]:
    if not isinstance(text, str):
        raise TypeError(f"a name in allow is a str, not {type(text).__name__}")
    module, colon, name = text.partition(":")
    if not colon or not _QUALNAME.fullmatch(module) or not _QUALNAME.fullmatch(name):
        raise ValueError(f"a name in allow is 'module:qualname', not {text!r}")
    if (module, name) not in PLAIN | HELPERS - _FOR_PYTHON and is_dangerous(module, name):
        raise ValueError(
            f"{text!r} in allow would let a pickle do anything; "
            "name the classes and functions of your own that it needs"
        )
    return module, name


def _python_3(module: str, name: str) -> tuple[str, str]:
    """Protocols 0 to 2 name the standard library as Python 2 did."""
    if (module, name) in NAME_MAPPING:
        return NAME_MAPPING[module, name]
    return IMPORT_MAPPING.get(module, module), name


def _present_spelling(module: str, name: str) -> tuple[str, str]:
    """Where a thing has moved between versions, one spelling for both."""
    if module.startswith(_OLD_NUMPY):
        module = _NEW_NUMPY + module.removeprefix(_OLD_NUMPY)
    if module == "pathlib._local":
        module = "pathlib"
    return module, name


def _walk(module: str, name: str) -> Any:
    try:
        value: Any = importlib.import_module(module)
    except Exception as error:
        raise RefusedName(
            module,
            name,
            f"Module {module!r} is allowed, but cannot be imported: {error}",
            "Install it, or take it off the list.",
        ) from error
    for part in name.split("."):
        value = _member(value, part, module, name)
    return value


def _member(holder: Any, part: str, module: str, name: str) -> Any:
    if isinstance(holder, ModuleType | type) and part in vars(holder):
        value = vars(holder)[part]
        if isinstance(value, classmethod | staticmethod) and isinstance(holder, type):
            return value.__get__(None, holder)
        return value
    raise RefusedName(
        module,
        name,
        f"There is no {name!r} in module {module!r}, or not within a class",
        "Use the version that the sender has, or take it off the list.",
    )


def _only_itself(module: str, name: str, value: Any) -> Any:
    """The value if it calls itself by this name.

    A class or function says so itself; any other object by what its ``__reduce_ex__``
    would have `pickle` write.
    """
    if (module, name) in PLAIN:
        return value
    if hasattr(value, "__qualname__"):
        calls_itself = value.__module__, value.__qualname__
    else:
        calls_itself = getattr(value, "__module__", None), value.__reduce_ex__(4)
    if calls_itself == (module, name):
        return value
    raise RefusedName(
        module,
        name,
        f"What is found as {name!r} in module {module!r} calls itself {calls_itself!r}",
        "If the sender may use it, allow it by its own name, not by an alias.",
    )
