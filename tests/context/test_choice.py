"""One choice of start method in a program, whichever library it is made through (P1)."""

from __future__ import annotations

import multiprocessing
from multiprocessing import context as standard
from typing import Any

import pytest

import interlock
from interlock.context import BaseContext, DefaultContext, ForkContext, SpawnContext
from tests.context.choices import METHODS, tell_choice, tell_grandchild_s_choice

pytestmark = pytest.mark.usefixtures("undecided")


def test_a_choice_made_here_holds_there() -> None:
    """P1: `multiprocessing` answers what was chosen through us, and refuses a second choice."""
    interlock.set_start_method("spawn")
    assert multiprocessing.get_start_method() == "spawn"
    theirs: Any = multiprocessing.get_context()
    assert type(theirs) is standard.SpawnContext
    chosen: Any = interlock.get_context()
    assert type(chosen) is SpawnContext
    for library in interlock, multiprocessing:
        with pytest.raises(RuntimeError, match="already been set"):
            library.set_start_method("fork")


def test_a_choice_made_there_holds_here() -> None:
    """P1: and the other way round, by force too."""
    multiprocessing.set_start_method("spawn")
    assert interlock.get_start_method() == "spawn"
    multiprocessing.set_start_method("fork", force=True)
    assert type(interlock.get_context()) is ForkContext


def test_asking_makes_the_choice_unless_told_not_to() -> None:
    """P1: as the standard library has it."""
    assert interlock.get_start_method(allow_none=True) is None
    default = interlock.get_all_start_methods()[0]
    assert interlock.get_start_method() == default
    assert multiprocessing.get_start_method(allow_none=True) == default


def test_a_choice_can_be_undone_by_force() -> None:
    """P1: None and force, as the standard library's tests do."""
    interlock.set_start_method("spawn")
    interlock.set_start_method(None, force=True)
    assert multiprocessing.get_start_method(allow_none=True) is None


def test_the_methods_are_those_of_the_standard_library() -> None:
    """P1: the same, and the default first."""
    assert interlock.get_all_start_methods() == multiprocessing.get_all_start_methods()


@pytest.mark.parametrize("method", ["", "nonsense"])
def test_an_unknown_context_is_a_value_error(method: str) -> None:
    """P1: the standard library's error and its words."""
    with pytest.raises(ValueError, match=f"cannot find context for {method!r}"):
        interlock.get_context(method)
    with pytest.raises(ValueError, match="cannot find context"):
        interlock.set_start_method(method)


def test_a_context_has_its_method_for_good(context: BaseContext) -> None:
    """P1: it is its own context, finds its sisters, and takes no other method."""
    assert context.get_context() is context
    assert context.get_start_method() in METHODS
    for method in METHODS:
        assert context.get_context(method) is interlock.get_context(method)
    with pytest.raises(ValueError, match="concrete context"):
        context.set_start_method("fork", force=True)


def test_a_context_is_one_of_the_standard_library_s_too(context: BaseContext) -> None:
    """P1: code that checks for `multiprocessing`'s class takes ours."""
    method = context.get_start_method()
    assert isinstance(context, type(multiprocessing.get_context(method)))
    assert isinstance(interlock.context.default_context, DefaultContext | standard.DefaultContext)


class Foreign(standard.BaseContext):
    """A context that another library enters in `multiprocessing`, as joblib's loky does."""

    _name = "foreign"


def test_a_foreign_context_is_given_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """P1: by name, and when it is the one chosen."""
    contexts: Any = vars(standard)["_concrete_contexts"]
    foreign = Foreign()
    monkeypatch.setitem(contexts, "foreign", foreign)
    named: Any = interlock.get_context("foreign")
    assert named is foreign
    multiprocessing.set_start_method("foreign")
    chosen: Any = interlock.get_context()
    assert chosen is foreign
    assert interlock.get_start_method() == "foreign"


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("target", [tell_choice, tell_grandchild_s_choice])
def test_children_have_their_parent_s_choice(method: str, target: Any) -> None:
    """P1: of the default context, and for as many generations as there are."""
    interlock.set_start_method(method)
    answers, theirs = multiprocessing.Pipe(duplex=False)
    child = interlock.Process(target=target, args=(theirs,))
    child.start()
    theirs.close()
    assert answers.recv() == (method, method, "interlock.context.processes", "Process")
    child.join()
    answers.close()


def test_children_of_a_context_have_its_method(context: BaseContext) -> None:
    """P1: whatever the default is, a child of a context continues with that context."""
    method = context.get_start_method()
    answers, theirs = multiprocessing.Pipe(duplex=False)
    child = context.Process(target=tell_choice, args=(theirs,))
    child.start()
    theirs.close()
    name = type(child).__name__
    assert answers.recv() == (method, method, "interlock.context.processes", name)
    child.join()
    answers.close()
