"""Contexts that are no start methods: found by name, made when asked for, honest of what lacks."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Mapping
from typing import Any, ClassVar

import pytest

import interlock
from interlock.context import BaseContext
from interlock.context.capabilities import INTERFACE
from interlock.context.elsewhere import ELSEWHERE, Place
from interlock.context.substrate import SubstrateContext
from interlock.errors import InterlockError, MissingDependency, NotInContext


class TinyContext(SubstrateContext):
    """Has locks, and one option."""

    _name = "tiny"
    runs_in = "tiny machines"
    absent: ClassVar[Mapping[str, str]] = {"Queue": "a Pipe"}

    def __init__(self, address: str = "here") -> None:
        self.address = address

    def Lock(self) -> str:  # type: ignore[override]
        return f"a lock {self.address}"


class SmallerContext(TinyContext):
    """Inherits what there is."""

    _name = "smaller"


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ELSEWHERE, "tiny", Place(__name__, "TinyContext"))


def made(name: str, **options: Any) -> Any:
    return interlock.get_context(name, **options)


@pytest.mark.usefixtures("tiny")
def test_a_context_is_made_with_its_options() -> None:
    """P8: by name, from any context."""
    assert made("tiny").Lock() == "a lock here"
    assert made("tiny", address="there").Lock() == "a lock there"
    assert isinstance(interlock.get_context("fork").get_context("tiny"), BaseContext)
    with made("tiny") as context:
        assert context.get_context() is context
        assert context.get_start_method() == "tiny"
        assert context.cpu_count() == interlock.cpu_count()


@pytest.mark.usefixtures("tiny")
def test_an_unknown_name_or_option_is_told_with_those_there_are() -> None:
    """P6: the caller reads what he may say instead."""
    with pytest.raises(ValueError, match=r"cannot find context for 'tine'; .*spawn.* tiny") as bad:
        made("tine")
    assert isinstance(bad.value, InterlockError)
    with pytest.raises(ValueError, match=r"'tiny' has no option 'port'\. It has address\."):
        made("tiny", port="there")
    for method in "fork", "spawn", "forkserver", None:
        with pytest.raises(ValueError, match="no option 'address'"):
            made(method, address="there")  # type: ignore[arg-type]


@pytest.mark.usefixtures("tiny", "undecided")
def test_it_is_no_start_method() -> None:
    """P1: the three that multiprocessing has, and how to get the others."""
    assert set(interlock.get_all_start_methods()) == {"fork", "spawn", "forkserver"}
    with pytest.raises(ValueError, match=r"cannot find context for 'tiny' .*get_context\('tiny'\)"):
        interlock.set_start_method("tiny")


@pytest.mark.parametrize("kind", [TinyContext, SmallerContext])
def test_what_it_has_not_is_no_attribute_and_names_the_alternative(kind: Any) -> None:
    """P8: nothing of processes is inherited, whatever BaseContext has."""
    context = kind()
    assert [name for name in INTERFACE if hasattr(context, name)] == ["Lock"]
    assert not {*INTERFACE, "active_children"} - {"Lock"} & {*dir(context)}
    with pytest.raises(NotInContext, match=r"has no Queue\. Use a Pipe\.") as queue:
        context.Queue()
    assert (queue.value.context, queue.value.name) == (kind._name, "Queue")
    again = pickle.loads(pickle.dumps(queue.value))
    assert (str(again), again.name, again.instead) == (str(queue.value), "Queue", "a Pipe")
    with pytest.raises(AttributeError, match=r"has no Manager\. Use .*get_context"):
        context.Manager()
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        context.nonsense  # noqa: B018


def test_capabilities_are_data() -> None:
    """P8: a program may ask before it chooses."""
    tiny = TinyContext().capabilities
    assert (tiny.name, tiny.runs_in, tiny.offers) == ("tiny", "tiny machines", ("Lock",))
    assert {*tiny.absent} == {*INTERFACE} - {"Lock"}
    fork = interlock.get_context("fork").capabilities
    assert (fork.name, fork.offers, fork.absent) == ("fork", INTERFACE, {})
    assert fork.copies and fork.kills and not fork.other_machines


def test_a_missing_extra_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """P6: the module of the context is there, what it imports is not."""
    place = Place("no_such_cluster", "Anything", "cluster", ("no_such_cluster",))
    monkeypatch.setitem(ELSEWHERE, "cluster", place)
    with pytest.raises(MissingDependency, match=r"pip install 'interlock\[cluster\]'"):
        made("cluster")
    monkeypatch.setitem(ELSEWHERE, "cluster", place._replace(needs=()))
    with pytest.raises(ModuleNotFoundError, match="no_such_cluster"):  # a fault of ours, as it is
        made("cluster")


def test_none_is_imported_before_it_is_asked_for() -> None:
    """`import interlock` stays light."""
    program = (
        "import sys, interlock; interlock.get_context('spawn').Lock(); "
        "print(*[place for place in %r if place in sys.modules])"
    ) % [place.module for place in ELSEWHERE.values()]
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip() == ""
