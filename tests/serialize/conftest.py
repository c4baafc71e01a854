"""A message's journeys: through each kind of carrier, and to another process and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import interlock
from tests.conftest import METHODS
from tests.serialize.journey import ANSWER_WITHIN_S, Carrier, echo


@pytest.fixture(params=["Queue", "SimpleQueue", "Pipe"])
def carrier(request: pytest.FixtureRequest) -> Iterator[Carrier]:
    """Each of them in turn."""
    carrier = Carrier(request.param)
    yield carrier
    carrier.close()


@pytest.fixture(scope="module", params=METHODS)
def there_and_back(request: pytest.FixtureRequest) -> Iterator[Callable[[Any], Any]]:
    """To a process, where a message becomes an object, and from there back."""
    context = interlock.get_context(request.param)
    there, back = context.Queue(), context.Queue()
    process = context.Process(target=echo, args=(there, back))
    process.start()

    def journey(sent: Any) -> Any:
        there.put(sent)
        return back.get(timeout=ANSWER_WITHIN_S)

    yield journey
    there.shutdown()
    process.join(ANSWER_WITHIN_S)
    exitcode = process.exitcode
    process.kill()
    there.close()
    back.close()
    assert exitcode == 0
