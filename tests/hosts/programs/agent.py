"""What runs on the hosts: answers the test's questions, each in a thread of its own.

A line is a question, a JSON list: number, what, arguments; a line is an answer: number, value,
class and text of an error, seconds. The end of the input is the end of the program.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["answer"]

_output = threading.Lock()


def _one(number: int, do: Callable[..., Any], arguments: list[Any]) -> None:
    began_s = time.monotonic()
    value, error, text = None, None, ""
    try:
        value = do(*arguments)
    except BaseException as raised:  # the test decides what is right
        error, text = type(raised).__name__, str(raised)
    line = json.dumps([number, value, error, text, time.monotonic() - began_s])
    with _output:
        print(line, flush=True)


def answer(able: Mapping[str, Callable[..., Any]]) -> None:
    """Answer until the input ends, and end this process then."""
    for line in sys.stdin:
        number, what, arguments = json.loads(line)
        threading.Thread(target=_one, args=(number, able[what], arguments), daemon=True).start()
    os._exit(0)
