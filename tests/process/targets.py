"""What the processes of these tests run."""

from __future__ import annotations

import os
import sys
from typing import Any

import interlock


def exit_with(status: int) -> None:
    sys.exit(status)


def until_told(told: Any) -> None:
    """Runs until a byte comes, or until it is ended."""
    told.recv_bytes()


def describe(answers: Any) -> None:
    """What a child knows of itself and of its family."""
    mine = interlock.current_process()
    parent = interlock.parent_process()
    assert parent is not None
    answers.send(
        {
            "name": mine.name,
            "pid": (mine.pid, os.getpid()),
            "daemon": mine.daemon,
            "authkey": bytes(mine.authkey),
            "parent": (parent.name, parent.pid, parent.is_alive()),
            "children": interlock.active_children(),
        }
    )


def echo(questions: Any, answers: Any) -> None:
    """Puts back what it gets, until that is None."""
    while (question := questions.get()) is not None:
        answers.put(question)


class Worker(interlock.Process):
    """A class of a program's own, as written for `multiprocessing`."""

    def __init__(self, answers: Any) -> None:
        super().__init__(name="worker of my own")
        self.answers = answers

    def run(self) -> None:
        describe(self.answers)
