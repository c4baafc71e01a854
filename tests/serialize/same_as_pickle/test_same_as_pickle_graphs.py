"""Any graph that comes through a queue or a pipe is the one that pickle would have made."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, assume, given, reject, settings

from tests.serialize.journey import Carrier
from tests.serialize.same_as_pickle.generated_graphs import Graph, graphs
from tests.serialize.same_as_pickle.isomorphic import difference, parts

# The same graphs in every run: a failure is repeated by running the test again. Fixtures
# are made once for all examples, which these have nothing to do with.
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
JOURNEY = settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=CHECKS)
THERE_AND_BACK = settings(JOURNEY, max_examples=100)


def outcome(action: Callable[[], Any]) -> Any:
    """What came of it; of an exception its type, which is all that two of them share."""
    try:
        return action()
    except Exception as error:
        return type(error)


def by_pickle(sent: Any) -> Any:
    """What pickle makes of it. Not of what it cannot write, such as a Counter in itself."""
    try:
        data = pickle.dumps(sent, 5)
    except RecursionError:
        reject()
    return outcome(lambda: pickle.loads(data))


@JOURNEY
@given(graphs())
def test_a_graph_is_what_pickle_would_have_brought(carrier: Carrier, graph: Graph) -> None:
    """P1: types, values, attributes, order, and which part is the same object as which."""
    expected = by_pickle(graph.root)
    got = outcome(lambda: carrier.carry(graph.root))
    assert difference(got, expected) is None
    assert carrier.is_empty()


@JOURNEY
@given(graphs())
def test_a_graph_that_only_the_message_refers_to_is_the_same(
    carrier: Carrier, graph: Graph
) -> None:
    """P1: what is shared is told from what is not, however few references to a part there are."""
    fresh = [by_pickle(graph.root)]
    expected = by_pickle(fresh[0])
    assert difference(outcome(lambda: carrier.carry(fresh.pop())), expected) is None


@THERE_AND_BACK
@given(graphs())
def test_another_process_sends_back_what_pickle_would_have(
    there_and_back: Callable[[Any], Any], graph: Graph
) -> None:
    """P1: fork, spawn, forkserver; read and written there, by their names too."""
    expected = by_pickle(graph.root)
    assume(not isinstance(expected, type))  # it cannot be restored, so that none would answer
    assert difference(there_and_back(graph.root), by_pickle(expected)) is None


@JOURNEY
@given(graphs())
def test_a_graph_that_was_sent_is_as_before(carrier: Carrier, graph: Graph) -> None:
    """P1: no part of it was changed, nor became part of what arrived."""
    before = by_pickle(graph.root)
    assume(not isinstance(before, type))
    got = carrier.carry(graph.root)
    for part in changeable(got):
        part.clear()
    assert difference(by_pickle(graph.root), before) is None


def changeable(root: Any) -> list[Any]:
    """The lists and dicts in it."""
    found: dict[int, Any] = {}
    stack = [root]
    while stack:
        part = stack.pop()
        if id(part) not in found:
            found[id(part)] = part
            stack.extend(parts(part))
    return [part for part in found.values() if isinstance(part, list | dict)]
