"""Pipes between threads: the standard library's, until a release brings our own."""

from multiprocessing.dummy.connection import (
    Client,
    Listener,
    Pipe,
)

from interlock._standard import rest_of

__all__ = [
    "Client",
    "Listener",
    "Pipe",
]

__getattr__ = rest_of("multiprocessing.dummy.connection")
