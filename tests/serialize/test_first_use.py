"""The types of a library are registered when the first of them is met, by whatever thread (P6)."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import threading
import numpy
from interlock.serialize import dumps, loads, numpy_values

entered, go_on, failures = threading.Event(), threading.Event(), []
register_types = numpy_values.register_types

def slowly():
    entered.set()
    go_on.wait(20)
    register_types()

def send():
    try:
        loads(dumps(numpy.arange(3)))
    except Exception as error:
        failures.append(error)

numpy_values.register_types = slowly
first, second = threading.Thread(target=send), threading.Thread(target=send)
first.start()
entered.wait(20)
second.start()
second.join(1)  # who is not let in waits; who is would fail at once
go_on.set()
first.join(20)
second.join(20)
print(failures)
"""


def test_two_threads_may_be_the_first_to_send_an_array() -> None:
    """The second waits until all types of the library are there; it is not refused."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "[]\n"


INTERRUPTED = """
import numpy
from interlock.serialize import dumps, numpy_values

register_types = numpy_values.register_types

def interrupted():
    numpy_values.register_types = register_types
    raise KeyboardInterrupt

numpy_values.register_types = interrupted
for attempt in range(2):
    try:
        print(len(dumps(numpy.arange(3))) > 0)
    except KeyboardInterrupt:
        print("interrupted")
"""


def test_who_is_interrupted_in_the_first_use_may_try_again() -> None:
    """Ctrl-C while the types are registered does not leave them out for good."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "interrupted\nTrue\n"
