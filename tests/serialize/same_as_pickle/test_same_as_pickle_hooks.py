"""Hooks are called as pickle calls them: which, in which order, with which result or error."""

from __future__ import annotations

import copyreg
import io
import itertools
import pickle
from collections.abc import Callable
from multiprocessing.reduction import ForkingPickler
from typing import Any

import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st

from interlock.errors import SerializationError
from tests.serialize.journey import Carrier
from tests.serialize.same_as_pickle.generated_hooks import BASES, Shape, logged, make, shapes
from tests.serialize.same_as_pickle.isomorphic import difference

# The same classes in every run: a failure is repeated by running the test again.
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
JOURNEY = settings(max_examples=1500, deadline=None, derandomize=True, suppress_health_check=CHECKS)

# What pickle itself raises becomes ours, and stays what it is; any other is a hook's own.
REFUSALS = (pickle.PicklingError, pickle.PickleError, TypeError, AttributeError)

Outcome = tuple[Any, list[tuple[Any, ...]]]


def outcome(action: Callable[[], Any]) -> Outcome:
    """What came of it, or its exception; and which hooks were called."""
    logged()
    try:
        result = action()
    except RecursionError:
        reject()
    except Exception as error:
        result = error
    return result, logged()


def pickled(message: Any) -> bytes:
    """As `multiprocessing` does it."""
    file = io.BytesIO()
    pickler = pickle.Pickler(file, 5)
    pickler.dispatch_table = {
        **copyreg.dispatch_table,
        **ForkingPickler._extra_reducers,  # type: ignore[attr-defined]
    }
    pickler.dump(message)
    return file.getvalue()


def check(carrier: Carrier, message: Any) -> None:
    """Send it by pickle and by the carrier, and compare step by step."""
    data, expected_calls = outcome(lambda: pickled(message))
    sent, calls = outcome(lambda: carrier.put(message))
    if isinstance(data, Exception):
        check_refused(data, sent)
        assert calls[: len(expected_calls)] == expected_calls  # then the search for the guilty
        assert carrier.is_empty()
        return
    assert sent is None
    assert calls == expected_calls
    expected, expected_calls = outcome(lambda: pickle.loads(data))
    got, calls = outcome(carrier.take)
    assert calls == expected_calls
    if isinstance(expected, Exception):
        assert type(got) is type(expected)
    else:
        assert difference(got, expected) is None


def check_refused(expected: Exception, got: Any) -> None:
    if type(expected) not in REFUSALS:
        assert type(got) is type(expected)
        assert got.args == expected.args
        return
    assert isinstance(got, SerializationError)
    assert isinstance(got, type(expected))
    assert got.path is None or got.path.startswith("$")


@JOURNEY
@given(first=shapes(), second=shapes(), cyclic=st.booleans())
def test_any_combination_of_hooks_is_called_as_by_pickle(
    carrier: Carrier, first: Shape, second: Shape, cyclic: bool
) -> None:
    """P1: the calls at `put` and at `get`, what arrives, and what is raised where."""
    inner = make(second, "2", None if cyclic else ["extra"])
    outer = make(first, "1", inner)
    check(carrier, [outer, {"inner": inner, "outer": (outer,)}, type(outer)])
    assert carrier.carry("the next one") == "the next one"


@pytest.mark.parametrize("base", sorted(BASES))
def test_each_single_hook_is_called_as_by_pickle(carrier: Carrier, base: str) -> None:
    """P1: on each base, with nothing else beside it, so that no other hook hides it."""
    alone = {
        "newargs": ("plain", "ex", "both", "no tuple", "no pair"),
        "getstate": ("dict", "none", "false", "empty", "pair", "slots", "list", "raises"),
        "setstate": ("sets", "ignores", "raises"),
        "registered": ("copyreg", "ForkingPickler", "both"),
        "metaclass": ("plain", "registered"),
    }
    for hook, kinds in alone.items():
        for kind in kinds:
            new = "any" if hook == "newargs" else ""
            shape = Shape(base=base, new=new, **{hook: kind})
            check(carrier, [make(shape, "1", ["extra"])] * 2)


@pytest.mark.parametrize("where", ["plain", "ex", "both", "instance"])
def test_whatever_reduce_returns_is_taken_as_by_pickle(carrier: Carrier, where: str) -> None:
    """P1: a name, two to six parts, with states, items and pairs; and what is none of these."""
    returns = (
        *("2", "3", "3 false", "4", "5", "all 5", "6", "newobj", "newobj_ex", "own name"),
        *("no name", "another's name", "1", "7", "no function", "no arguments", "no iterator"),
        *("number", "raises", "raises AttributeError", "inherited"),
    )
    for base, kind in itertools.product(("object", "list", "dict", "Exception"), returns):
        shape = Shape(base=base, reduce=where, returns=kind, setstate="", getstate="dict")
        check(carrier, [make(shape, "1", ["extra"])] * 2)


def test_the_log_tells_one_order_of_hooks_from_another(carrier: Carrier) -> None:
    """The comparison is no empty one: a hook that is there is logged, once for each object."""
    shape = Shape(getstate="dict", setstate="sets", new="any", newargs="ex")
    logged()
    carrier.put([make(shape, "1", [1]), make(shape, "2", [2])])
    assert logged() == [
        *(("__getnewargs_ex__", "1"), ("__getstate__", "1")),
        *(("__getnewargs_ex__", "2"), ("__getstate__", "2")),
    ]
    carrier.take()
    assert [call[0] for call in logged()] == ["__new__", "__setstate__"] * 2
