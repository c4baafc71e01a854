"""What children of these tests run, and what they run on."""

from __future__ import annotations

import multiprocessing
from typing import Any

import interlock

METHODS = ("fork", "spawn", "forkserver")


def tell_choice(answers: Any) -> None:
    """What a child finds chosen, by whichever library it asks."""
    answers.send(
        (
            interlock.get_start_method(),
            multiprocessing.get_start_method(),
            type(interlock.get_context()).__module__,
            type(interlock.current_process()).__name__,
        )
    )


def tell_grandchild_s_choice(answers: Any) -> None:
    """The same, one generation on: the child's default context starts another."""
    grandchild = interlock.Process(target=tell_choice, args=(answers,))
    grandchild.start()
    grandchild.join()
