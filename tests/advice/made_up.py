"""Measurements that nobody made: of functions of each kind, on a machine of four CPUs."""

from __future__ import annotations

from typing import Any

from interlock.advice.facts import (
    ASYNCIO,
    INTERPRETER,
    MAIN,
    THREAD,
    Call,
    Facts,
    Home,
    Travel,
    Trial,
)

MB = 1_000_000
HOMES = {
    MAIN: Home(MAIN),
    THREAD: Home(THREAD, 0.001, 0.0001, 5e-6, 20e-6),
    "fork": Home("fork", 0.02, 0.002, 3e-6, 15e-6, 40 * MB),
    "forkserver": Home("forkserver", 0.2, 0.01, 3e-6, 15e-6, 42 * MB),
    "spawn": Home("spawn", 0.3, 0.05, 3e-6, 15e-6, 45 * MB),
}
SUB = Home(INTERPRETER, 0.03, 0.02, 10e-6, 20e-6)

CALLS = {
    "waits": Call(0.1, 0.003, gil_s=0.002, waits_for="the network"),
    "python": Call(0.01, 0.01, gil_s=0.01),
    "releases": Call(0.01, 0.01, gil_s=0.0003),
    "tiny": Call(2e-6, 2e-6, gil_s=2e-6),
    "programs": Call(0.1, 0.001, elsewhere_s=0.095, gil_s=0.001, waits_for="a program"),
    "spreads": Call(0.1, 0.1, elsewhere_s=0.28, gil_s=0.002),
    "coroutine": Call(0.1, 0.002, gil_s=0.002, is_async=True),
}


def facts(kind: str = "python", **changed: Any) -> Facts:
    """What is known of a function of a kind; what is named is otherwise."""
    homes = dict(HOMES)
    if kind == "coroutine":
        homes[ASYNCIO] = Home(ASYNCIO)
        del homes[THREAD]
    values: dict[str, Any] = {
        "travel": Travel(100, 100, here_s=2e-6, there_s=2e-6),
        "homes": homes,
        "cores": 4,
        "memory_bytes": 8000 * MB,
    }
    return Facts(CALLS[kind], **(values | changed))


def trial(context: str, factor: float, workers: int = 4, **changed: Any) -> Trial:
    """A trial that went so much better than was predicted."""
    values: dict[str, Any] = {"calls": 100, "starved": 0.0}
    return Trial(context, workers, 0, 100, 1 / factor, 1.0, **(values | changed))
