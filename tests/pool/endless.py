"""Tasks, arguments and results that do not come to an end by themselves."""

from __future__ import annotations

import ctypes
import select
import signal

from interlock.shared_memory import AtomicInt

FOR_EVER_S = 600.0


def for_ever(_: object = None) -> None:
    while True:
        select.select([], [], [], 0.01)


class EndlessToRead:
    """An argument or a result that nobody gets to know."""

    def __reduce__(self) -> tuple[object, ...]:
        return for_ever, ()


class EndlessToWrite:
    """A result or an exception that never gets on its way."""

    def __reduce__(self) -> tuple[object, ...]:
        for_ever_in_c()
        return str, ()


class EndlessToTell(EndlessToWrite, Exception):
    """An exception of that kind."""


def endless_to_write(_: object = None) -> object:
    """A result that never gets on its way."""
    return EndlessToWrite()


def endless_to_tell(_: object = None) -> object:
    """An exception that never gets on its way."""
    raise EndlessToTell


def for_ever_in_c(_: object = None) -> None:
    """A wait that no exception ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.CDLL(None).sleep(int(FOR_EVER_S))


def holds_the_gil(_: object = None) -> None:
    """In C code that lets no other thread run, and that no signal ends."""
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    ctypes.PyDLL(None).sleep(int(FOR_EVER_S))


def cleans_up(flag: AtomicInt) -> None:
    """Without end; ended by an exception, it says so."""
    try:
        flag.store(1)
        for_ever()
    finally:
        flag.store(2)


def heeds_nothing(flag: AtomicInt) -> None:
    """As `for_ever_in_c`, and SIGTERM comes by no other thread; it says when it begins."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    flag.store(1)
    for_ever_in_c()


def says_and_goes_on(flag: AtomicInt) -> None:
    flag.store(1)
    for_ever()
