"""Every public name of `multiprocessing` is found here under the same name (P1)."""

from __future__ import annotations

import importlib
import inspect
import multiprocessing
import types
from collections.abc import Callable
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext

SUBMODULES = (
    "connection context dummy dummy.connection managers pool process queues reduction "
    "shared_memory sharedctypes synchronize"
).split()
MACHINERY = (
    "forkserver heap popen_fork popen_forkserver popen_spawn_posix resource_sharer "
    "resource_tracker spawn util"
).split()


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> list[tuple[str, inspect._ParameterKind, object]]:
    """Names, kinds and defaults; annotations are ours alone."""
    found = inspect.signature(function).parameters.values()
    return [(parameter.name, parameter.kind, parameter.default) for parameter in found]


def assert_takes_the_same(ours: Any, theirs: Any, name: str) -> None:
    """What the standard library's takes, and at most keywords of our own, each with a default."""
    if not callable(theirs) or isinstance(theirs, type | types.ModuleType):
        return
    expected = parameters(theirs)
    assert parameters(ours)[: len(expected)] == expected, name
    for parameter in list(inspect.signature(ours).parameters.values())[len(expected) :]:
        if parameter.kind is not parameter.VAR_KEYWORD:
            assert parameter.kind is parameter.KEYWORD_ONLY, (name, parameter)
            assert parameter.default is not parameter.empty, (name, parameter)


def test_the_top_has_every_public_name() -> None:
    """P1: names, so that `from interlock import X` and `import *` find what they did."""
    names = set(multiprocessing.__all__)
    assert names <= set(interlock.__all__)
    assert not {name for name in interlock.__all__ if not hasattr(interlock, name)}
    assert interlock.SUBDEBUG == 5
    assert interlock.SUBWARNING == 25


def test_the_top_s_functions_take_the_same_arguments() -> None:
    """P1: signatures."""
    for name in multiprocessing.__all__:
        assert_takes_the_same(getattr(interlock, name), getattr(multiprocessing, name), name)


def test_a_context_has_the_standard_library_s_methods(context: BaseContext) -> None:
    """P1: on each of the contexts, with the same signatures."""
    theirs = multiprocessing.get_context(context.get_start_method())
    assert public(theirs) <= public(context)
    for name in public(theirs):
        assert_takes_the_same(getattr(context, name), getattr(theirs, name), name)


@pytest.mark.parametrize("name", SUBMODULES)
def test_a_submodule_has_every_public_name(name: str) -> None:
    """P1: what the standard library's names, and what it has without naming it."""
    ours = importlib.import_module(f"interlock.{name}")
    theirs = importlib.import_module(f"multiprocessing.{name}")
    named = set(getattr(theirs, "__all__", ()))
    defined = {
        found
        for found in public(theirs)
        if getattr(getattr(theirs, found), "__module__", None) == theirs.__name__
    }
    assert not {found for found in named | defined if not hasattr(ours, found)}


@pytest.mark.parametrize("name", SUBMODULES[:1] + SUBMODULES[2:3] + MACHINERY)
def test_a_submodule_is_an_attribute_of_the_top(name: str) -> None:
    """P1: without an import of its own, as after `import multiprocessing.pool` elsewhere."""
    assert getattr(interlock, name) is importlib.import_module(f"interlock.{name}")


@pytest.mark.parametrize("name", MACHINERY)
def test_the_machinery_is_the_standard_library_s_own(name: str) -> None:
    """P1: one logger, one list of finalizers, one forkserver, whatever name it is reached by."""
    theirs = importlib.import_module(f"multiprocessing.{name}")
    assert importlib.import_module(f"interlock.{name}") is theirs
    assert theirs.__name__ == f"multiprocessing.{name}"
    assert theirs.__spec__ is not None
    assert theirs.__spec__.name == theirs.__name__


def test_what_is_nowhere_is_an_error_that_names_it() -> None:
    """P6: AttributeError and ImportError as of any module."""
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        interlock.nonsense  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        importlib.import_module("interlock.managers").nonsense  # noqa: B018
    with pytest.raises(ModuleNotFoundError, match="nonsense"):
        importlib.import_module("interlock.nonsense")
