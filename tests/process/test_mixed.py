"""Our processes and queues beside the standard library's, in one program (P1)."""

from __future__ import annotations

import multiprocessing
from typing import Any

import pytest

from interlock.context import BaseContext
from tests.process.targets import echo

LONG_S = 30.0

Makers = dict[str, Any]


@pytest.fixture
def libraries(context: BaseContext) -> Makers:
    """The context of this method, of each library."""
    return {"ours": context, "theirs": multiprocessing.get_context(context.get_start_method())}


@pytest.mark.parametrize(
    ("process_of", "questions_of", "answers_of"),
    [
        ("theirs", "ours", "ours"),
        ("ours", "theirs", "theirs"),
        ("ours", "ours", "theirs"),
        ("theirs", "theirs", "ours"),
    ],
)
@pytest.mark.parametrize("kind", ["Queue", "JoinableQueue", "SimpleQueue"])
def test_a_process_of_either_takes_queues_of_either(
    libraries: Makers, kind: str, process_of: str, questions_of: str, answers_of: str
) -> None:
    """P1: as arguments, both ways."""
    questions = getattr(libraries[questions_of], kind)()
    answers = getattr(libraries[answers_of], kind)()
    process = libraries[process_of].Process(target=echo, args=(questions, answers))
    process.start()
    for message in ("first", {"second": [2]}):
        questions.put(message)
        assert answers.get() == message
    questions.put(None)
    process.join(LONG_S)
    assert process.exitcode == 0
    questions.close()
    answers.close()
