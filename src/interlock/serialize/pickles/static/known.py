"""Names that may stand in a pickle that is still called harmless: types of plain values."""

from __future__ import annotations

import builtins
from collections.abc import Iterable

from interlock.serialize.pickles.static.values import Accessor, Imported, Made, Value

__all__ = ["Known", "common_name", "has_setstate"]

_NAMES = {
    "builtins": """bool bytearray bytes complex dict float frozenset int list object range set
        slice str tuple Ellipsis NotImplemented""",
    "_codecs": "encode",
    "array": "array _array_reconstructor",
    "collections": "Counter OrderedDict defaultdict deque",
    "copyreg": "_reconstructor",
    "datetime": "date datetime time timedelta timezone",
    "decimal": "Decimal",
    "fractions": "Fraction",
    "ipaddress": """IPv4Address IPv4Interface IPv4Network IPv6Address IPv6Interface
        IPv6Network""",
    "pathlib": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "pathlib._local": "Path PosixPath PurePath PurePosixPath PureWindowsPath WindowsPath",
    "time": "struct_time",
    "uuid": "UUID",
    "zoneinfo": "ZoneInfo ZoneInfo._unpickle",
}
_EXCEPTIONS = {
    f"builtins:{name}"
    for name, found in vars(builtins).items()
    if isinstance(found, type) and issubclass(found, BaseException)
}
_STANDARD = _EXCEPTIONS | {
    f"{module}:{name}" for module, names in _NAMES.items() for name in names.split()
}
_WITH_SETSTATE = _EXCEPTIONS | {"uuid:UUID"}

# What a module is really called, and what people know it as.
_COMMON_MODULES = {
    "_codecs": "codecs",
    "_ctypes": "ctypes",
    "_functools": "functools",
    "_io": "io",
    "_operator": "operator",
    "_pickle": "pickle",
    "_socket": "socket",
    "nt": "os",
    "posix": "os",
}
# The only text encoding that pickles of bytes by protocols 0 to 2 need.
_LATIN = ("latin1", "latin-1", "iso-8859-1")


def common_name(module: str, name: str) -> str | None:
    """The name that people know a name by, if it is another: ``os.system``."""
    common = _COMMON_MODULES.get(module)
    return None if common is None else f"{common}.{name}"


def has_setstate(name: str) -> bool | None:
    """Whether a class, as ``module:qualname``, has ``__setstate__``; None where unknown."""
    return name in _WITH_SETSTATE if name in _STANDARD else None


class Known:
    """The names that count as registered: those of the standard library's plain values, and more.

    Args:
        registered: More names, as ``module:qualname``.

    Raises:
        ValueError: One is not of that form.
    """

    def __init__(self, registered: Iterable[str]) -> None:
        names = frozenset(registered)
        for name in names:
            module, colon, qualname = name.partition(":")
            if not (module and colon and qualname):
                raise ValueError(
                    f"The registered name {name!r} has no module; write it as 'module:qualname', "
                    "such as 'app.models:Point'"
                )
        self._names = _STANDARD | names
        self._given = names

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def within_class(self, called: Value, arguments: Value) -> Imported | None:
        """What `getattr` finds in a class, where that is registered under its dotted name."""
        if type(called) is not Accessor or not isinstance(arguments, tuple) or len(arguments) != 2:
            return None
        owner, attribute = arguments
        if not isinstance(owner, Imported) or type(attribute) is not str:
            return None
        found = Imported(f"{owner.name}.{attribute}", f"{owner.text}.{attribute}")
        return found if found.name in self._names else None

    def objection(self, called: Value, arguments: Value) -> str | None:
        """Why a call may run code of the pickle's choice; None where it cannot."""
        if not isinstance(called, Imported):
            return "calls an object, not a name"
        if called.name not in self._names:
            return f"calls {called.text}, which is not registered"
        if called.name in self._given:
            return None
        if called.name == "_codecs:encode" and not _is_latin(arguments):
            return f"calls {called.text} with another encoding than latin1"
        if called.name == "copyreg:_reconstructor" and not _is_reconstruction(arguments):
            return f"calls {called.text} with what are no classes"
        return None

    def method_objection(self, target: Value) -> str | None:
        """Why a method of what the pickle has made may run code of its choice."""
        if isinstance(target, Imported):
            return f"changes {target.text} itself"
        if isinstance(target, Made) and target.maker is not None:
            if target.maker.name in self._names:
                return None
            return f"calls a method of what {target.maker.text} makes, which is not registered"
        return "calls a method of an object that is not known"


def _is_latin(arguments: Value) -> bool:
    if not isinstance(arguments, tuple) or len(arguments) != 2:
        return False
    text, encoding = arguments
    return type(text) is str and type(encoding) is str and encoding in _LATIN


def _is_reconstruction(arguments: Value) -> bool:
    return (
        isinstance(arguments, tuple)
        and len(arguments) == 3
        and all(isinstance(each, Imported) for each in arguments[:2])
    )
