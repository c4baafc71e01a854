"""Writes the standard library's own tests for multiprocessing anew, so that they test Interlock.

The installed files are read when the tests run, every import of `multiprocessing`
in them is turned into one of the subject, and the results are written into a
temporary directory. They are real files there: a child started by spawn or
forkserver finds them under the name its parent did, and they are compiled once.
Lines keep their numbers, so a traceback can be read beside the installed file.

A submodule that the subject does not have (`util`, `heap`, `resource_tracker`)
stays the standard library's, as it does for whoever writes
`import interlock as multiprocessing` above an existing program. Programs that
the tests keep in strings, or beside their file, are redirected alike.
"""

from __future__ import annotations

import importlib.util
import json
import multiprocessing
import pkgutil
import re
from dataclasses import dataclass
from pathlib import Path

METHODS = ("fork", "spawn", "forkserver")
SUITE = "_test_multiprocessing"
MAIN_HANDLING = "test_multiprocessing_main_handling"
COMPANIONS = ("mp_fork_bomb", "mp_preload")  # programs that the suite starts by their path
MODULES = (*(f"test_multiprocessing_{method}" for method in METHODS), MAIN_HANDLING)

_CASES = """\
from {suite} import install_tests_in_module_dict

install_tests_in_module_dict(globals(), {method!r})
"""
_IMPORT = re.compile(r"\bimport multiprocessing\b(?:\.(\w+))?(?: as (\w+))?")
_FROM = re.compile(r"\bfrom multiprocessing(?:\.(\w+))? import (\w+(?:, *\w+)*)")
_OWN_NAME = re.compile(r"\btest\.(?=test_multiprocessing_|test_concurrent_futures|mp_preload)")


@dataclass(frozen=True)
class Subject:
    """The package under test, which submodules it leaves to the standard library, its place."""

    name: str
    absent: frozenset[str]
    location: Path


def find_subject(name: str) -> Subject:
    """Look at the package. `multiprocessing` is one too: what fails on it is not Interlock's.

    Raises:
        ModuleNotFoundError: there is no such package.
    """
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"the package to be tested, {name}, is not installed", name=name)
    known = {module.name for module in pkgutil.iter_modules(multiprocessing.__path__)}
    own = {module.name for module in pkgutil.iter_modules(spec.submodule_search_locations)}
    return Subject(name, frozenset(known - own), Path(spec.origin).parent.parent)


def installed_suite() -> Path | None:
    """The file of the standard library's tests, or None: Debian packages them separately."""
    if importlib.util.find_spec("test") is None:
        return None
    spec = importlib.util.find_spec(f"test.{SUITE}")
    return Path(spec.origin) if spec is not None and spec.origin is not None else None


def write_suite(directory: Path, subject: Subject, suite: Path) -> None:
    """Write the redirected tests, and for each start method a module that installs them."""
    for name in (SUITE, MAIN_HANDLING, *COMPANIONS):
        source = suite.with_name(f"{name}.py").read_text("utf-8")
        (directory / f"{name}.py").write_text(redirect(source, subject, directory), "utf-8")
    for method in METHODS:
        cases = _CASES.format(suite=SUITE, method=method)
        (directory / f"test_multiprocessing_{method}.py").write_text(cases, "utf-8")


def redirect(source: str, subject: Subject, directory: Path) -> str:
    """The text with its imports of multiprocessing and of itself turned to what is tested.

    Args:
        source: a module of the standard library's tests.
        subject: the package that is to take the place of multiprocessing.
        directory: where the redirected modules will lie.
    """
    source = _IMPORT.sub(lambda found: _plain_import(subject, *found.groups()), source)
    source = _FROM.sub(lambda found: _from_import(subject, *found.groups()), source)
    # What the tests put something else in the place of, by its name.
    source = source.replace("'multiprocessing.shared_memory.", f"'{subject.name}.shared_memory.")
    # The programs find the subject by PYTHONPATH. One wants unusual flags, and is told.
    source = source.replace("'-E', '-c'", "'-c'")
    places = json.dumps([str(directory), str(subject.location)])
    source = source.replace(
        f"from test.{SUITE} import", f"import sys; sys.path[:0] = {places}; from {SUITE} import"
    )
    return _OWN_NAME.sub("", source)


def _plain_import(subject: Subject, submodule: str | None, name: str | None) -> str:
    whole = f"{subject.name} as {name or 'multiprocessing'}"
    if submodule is None:
        return f"import {whole}"
    if submodule not in subject.absent:
        return f"import {subject.name}.{submodule}, {whole}"
    absent = f"import multiprocessing.{submodule} as absent"
    return f"{absent}, {whole}; multiprocessing.{submodule} = absent"


def _from_import(subject: Subject, submodule: str | None, names: str) -> str:
    imported = {submodule} if submodule else {name.strip() for name in names.split(",")}
    package = "multiprocessing" if imported & subject.absent else subject.name
    return f"from {package}{f'.{submodule}' if submodule else ''} import {names}"
