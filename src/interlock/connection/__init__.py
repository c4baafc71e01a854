"""Connections: pipes of ours, sockets of the standard library, and waiting for any of them."""

from __future__ import annotations

from multiprocessing.connection import (
    Client,
    Connection,
    Listener,
    answer_challenge,
    deliver_challenge,
)

from interlock._standard import rest_of
from interlock.connection.pipe import Pipe, PipeConnection
from interlock.connection.wait import wait

__all__ = [
    "Client",
    "Connection",
    "Listener",
    "Pipe",
    "PipeConnection",
    "answer_challenge",
    "deliver_challenge",
    "wait",
]

__getattr__ = rest_of("multiprocessing.connection")
