"""numpy, pandas and pyarrow at the registered level: each in a file of its own, when it is met."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

__all__ = ["register_name", "register_type"]

# By package: the module here that registers its types.
_PACKAGES = {
    "numpy": "interlock.serialize.numpy_values",
    "pandas": "interlock.serialize.pandas_values",
    "pyarrow": "interlock.serialize.arrow_values",
}
_loaded: set[str] = set()


def register_type(cls: type) -> bool:
    """Register the types of the package that this one comes from; whether it is one of these."""
    return _load(cls.__module__.partition(".")[0])


def register_name(name: str) -> bool:
    """Register the types of the package that the name comes from, if it is installed here."""
    package = name.partition(".")[0]
    return package in _PACKAGES and find_spec(package) is not None and _load(package)


def _load(package: str) -> bool:
    if package not in _PACKAGES or package in _loaded:
        return False
    _loaded.add(package)  # first: registering asks here again
    try:
        import_module(_PACKAGES[package]).register_types()
    except BaseException:  # Ctrl-C, say: whoever comes next begins anew
        _loaded.discard(package)
        raise
    return True
