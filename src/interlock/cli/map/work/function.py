"""Finds the function to map, from `module:name` or `file.py:name`."""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from interlock.cli.usage import Unusable

__all__ = ["MappedFunction", "load"]

EXAMPLE = "such as examples/parse_source.py:describe or os.path:getsize"


class MappedFunction:
    """A function with the text that names it; another process finds it by that text.

    A forked worker already has the function. One started otherwise gets the text
    and loads it again, so a function need not be picklable. One on a machine that
    has not the file gets what is in it, too.
    """

    def __init__(self, reference: str, call: Callable[[Any], object]) -> None:
        self.reference = reference
        self.name = reference.rpartition(":")[2]
        self.is_async = inspect.iscoroutinefunction(call)  # then calling it gives what to await
        self._call = call

    def __call__(self, given: object) -> object:
        """Call the function with one input."""
        return self._call(given)

    def __reduce__(self) -> tuple[Callable[..., MappedFunction], tuple[Any, ...]]:
        source, _, name = self.reference.rpartition(":")
        if not _is_file(source):
            return load, (self.reference, self.is_async)
        path = os.path.abspath(source)
        with open(path, encoding="utf-8") as file:
            return _loaded, (self.reference, path, name, file.read(), self.is_async)

    def __str__(self) -> str:
        return f"function {self.reference}"


def load(reference: str, awaits: bool = False) -> MappedFunction:
    """Find the function that `module:name` or `file.py:name` stands for.

    The folder of a file (for a module, the current folder) comes first in
    `sys.path`, as when Python runs it.

    Args:
        reference: The text.
        awaits: Whether a coroutine function will do.

    Raises:
        Unusable: There is no such file, module or function, or it cannot be
            called with one argument.
    """
    source, colon, name = reference.rpartition(":")
    if not colon or not source or not name:
        raise Unusable(f"FUNCTION {reference!r}: write module:name or file.py:name, {EXAMPLE}")
    module = _module_of_file(reference, source) if _is_file(source) else _module(reference, source)
    return MappedFunction(reference, _checked(reference, _found(reference, module, name), awaits))


def _is_file(source: str) -> bool:
    return source.endswith(".py") or os.sep in source


def _loaded(reference: str, path: str, name: str, text: str, awaits: bool) -> MappedFunction:
    """In another process: from the file, if it is there, or from what is in it."""
    if os.path.isfile(path):
        return MappedFunction(reference, load(f"{path}:{name}", awaits)._call)
    own = f"_mapped_{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"
    if own not in sys.modules:
        module = ModuleType(own)
        module.__file__ = path
        exec(compile(text, path, "exec"), vars(module))
        sys.modules[own] = module
    found = _found(reference, sys.modules[own], name)
    return MappedFunction(reference, _checked(reference, found, awaits))


def _module_of_file(reference: str, path: str) -> ModuleType:
    if not os.path.isfile(path):
        raise Unusable(
            f"FUNCTION {reference}: no such file: {os.path.abspath(path)}; give the path of a "
            f"Python file and the name of a function in it, {EXAMPLE}"
        )
    name = os.path.splitext(os.path.basename(path))[0]
    loaded = _loaded_from(path, name)
    if loaded is not None:
        return loaded
    # A file called json.py must not take the place of the module json.
    if importlib.util.find_spec(name.replace(".", "_")) or "." in name:
        name = f"_mapped_{name.replace('.', '_')}"
    _look_first_in(os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(name, os.path.abspath(path))
    if spec is None or spec.loader is None:
        raise Unusable(f"FUNCTION {reference}: {path} is no Python file; its name must end in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _broken(reference, f"python {path}", error) from error
    return module


def _loaded_from(path: str, name: str) -> ModuleType | None:
    """The file's module, where it is there already: a forked worker runs no file twice."""
    for each in (name, f"_mapped_{name.replace('.', '_')}"):
        module = sys.modules.get(each)
        origin = getattr(getattr(module, "__spec__", None), "origin", None)
        if origin is not None and os.path.abspath(origin) == os.path.abspath(path):
            return module
    return None


def _module(reference: str, name: str) -> ModuleType:
    _look_first_in(os.getcwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{name}.".startswith(f"{error.name}."):
            raise _broken(reference, f"python -m {name}", error) from error
        hint = f"; did you mean {name}.py:{reference.rpartition(':')[2]}?"
        raise Unusable(
            f"FUNCTION {reference}: there is no module {error.name}"
            + (
                hint
                if os.path.isfile(f"{name}.py")
                else "; install it, or give a file: file.py:name"
            )
        ) from error
    except (Exception, SystemExit) as error:
        raise _broken(reference, f"python -m {name}", error) from error


def _look_first_in(folder: str) -> None:
    if folder not in sys.path:
        sys.path.insert(0, folder)


def _broken(reference: str, command: str, error: BaseException) -> Unusable:
    said = f"{type(error).__name__}: {error}".splitlines()[0]
    return Unusable(
        f"FUNCTION {reference}: it cannot be imported ({said}); "
        f"mend it first: `{command}` shows where"
    )


def _found(reference: str, module: ModuleType, name: str) -> object:
    place: Any = module
    for part in name.split("."):
        if not hasattr(place, part):
            raise Unusable(f"FUNCTION {reference}: {_missing(place, part)}")
        place = getattr(place, part)
    return place


def _missing(place: Any, name: str) -> str:
    functions = [n for n, v in vars(place).items() if callable(v) and not n.startswith("_")]
    near = difflib.get_close_matches(name, functions, n=1)
    where = getattr(place, "__file__", None) or getattr(place, "__name__", repr(place))
    if near:
        return f"{where} has no function {name}; did you mean {near[0]}?"
    if functions:
        return f"{where} has no function {name}; it has {', '.join(sorted(functions)[:8])}"
    return f"{where} has no function {name}, nor any other; give another file"


def _checked(reference: str, found: object, awaits: bool) -> Callable[[Any], object]:
    if not callable(found):
        raise Unusable(
            f"FUNCTION {reference}: that is a value of type {type(found).__name__}, which cannot "
            f"be called; give the name of a function, {EXAMPLE}"
        )
    if inspect.iscoroutinefunction(found) and not awaits:
        raise Unusable(
            f"FUNCTION {reference}: it is asynchronous; give a plain function, "
            "such as one that calls asyncio.run() on it"
        )
    # ValueError: a function written in C may not tell its arguments; calling it will.
    with contextlib.suppress(ValueError):
        try:
            inspect.signature(found).bind("input")
        except TypeError as error:
            raise Unusable(
                f"FUNCTION {reference}: it cannot be called with one input ({error}); "
                "give a function of one argument"
            ) from error
    return found
