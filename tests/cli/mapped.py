"""Functions that the tests map. Loaded by path, as a user's file is."""

from __future__ import annotations

import asyncio
import ctypes
import os
import socket
import sys
import threading

number = 3


def length(text: str) -> int:
    return len(text)


def described(text: str) -> dict[str, object]:
    return {
        "letters": len(text),
        "empty": not text,
        "text": text,
        "longest_word": {"letters": len(text), "word": text.upper()},
    }


def picky(text: str) -> str:
    if text.startswith("bad"):
        raise ValueError(f"I do not like {text}")
    return text


def held(text: str) -> str:
    """Call the test (tests.cli.switchboard) and go on when it says so."""
    if not text.startswith("held"):
        return text
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(os.environ["INTERLOCK_TEST_SWITCHBOARD"])
        line.sendall(f"{os.getpid()} {text}\n".encode())
        line.recv(1)
    return text


def picky_held(text: str) -> str:
    return held(picky(text))


def sometimes_fatal(text: str) -> str:
    if text == "exit":
        os._exit(3)
    if text == "segfault":
        ctypes.string_at(0)
    if text == "sys.exit":
        sys.exit("enough")
    if text == "interrupt":
        raise KeyboardInterrupt
    return text


def unwritable(text: str) -> object:
    found: dict[str, object] = {
        "lock": {"all": [1, threading.Lock()]},
        "set": {1},
        "nan": [0.0, float("nan")],
        "key": {(1, 2): 3},
        "fine": {"a": [1, None, True, 2.5]},
    }
    loop: list[object] = []
    loop.append(loop)
    return loop if text == "loop" else found[text]


def large(text: str) -> str:
    return text * (5 << 20)


def two(first: str, second: str) -> str:
    return first + second


async def asynchronous(text: str) -> str:
    await asyncio.sleep(0)
    return text


def same(given: object) -> object:
    return given


def flaky(text: str) -> str:
    """Fail at the first attempt of each input; a file in the current folder remembers."""
    try:
        os.close(os.open(f"tried-{text}", os.O_CREAT | os.O_EXCL))
    except FileExistsError:
        return text
    raise ConnectionError(f"{text} did not answer")


def long(text: str) -> str:
    """Take for ever, in Python or in C."""
    while text == "python":
        pass
    if text == "c":
        threading.Event().wait()
    return text


def hungry(text: str) -> int:
    return len(b"x" * int(text))


def loud(text: str) -> str:
    print(f"working on {text}")
    return text
