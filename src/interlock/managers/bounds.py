"""How much a server gives to its clients, in all and each."""

from __future__ import annotations

from dataclasses import dataclass, field

from interlock.managers.wire.bodies import PENDING_MAX
from interlock.serialize import Limits

__all__ = ["Bounds"]

_MIB = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """Limits of a server. A client that keeps to what it is told is never cut by them.

    Attributes:
        connections: At once, of all clients.
        strangers: Connections that have not yet shown who they are; the oldest is cut for a new
            one.
        sessions: Of clients that are connected or may come back.
        calls: Of one client, without an answer that it has acknowledged; those that wait in a
            queue count.
        call_bytes: Of one client, of calls that wait or run, and of those that arrive.
        kept_bytes: Of one client, of answers that it has not acknowledged; beyond it no more
            of its calls are begun.
        objects: That one client has at once.
        threads: For methods that are not async, of all clients.
        threads_a_client: Of one client.
        handshake_s: From the connection to the session.
        heartbeat_s: A client that is not heard for three times as long is cut; it hears from
            the server as often.
        grace_s: How long a session is kept for a client that has lost its connection.
        stall_s: For a frame that has begun, and for a client to read what it was sent.
        values: What one value may contain. Making one of 250,000 items takes up to a tenth of a
            second, in which no other client is served; arrays and other buffers are one item.

    Raises:
        ValueError: A limit is not positive, or ``calls`` is more than a client can ask for.
    """

    connections: int = 4096
    strangers: int = 512
    sessions: int = 8192
    calls: int = 1024
    call_bytes: int = 256 * _MIB
    kept_bytes: int = 64 * _MIB
    objects: int = 100_000
    threads: int = 32
    threads_a_client: int = 8
    handshake_s: float = 10.0
    heartbeat_s: float = 5.0
    grace_s: float = 30.0
    stall_s: float = 30.0
    values: Limits = field(default_factory=lambda: Limits(max_items=250_000))

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if name != "values" and not value > 0:
                raise ValueError(f"{name} must be more than 0, not {value}")
        if self.calls > PENDING_MAX:
            raise ValueError(f"calls is at most {PENDING_MAX}, not {self.calls}")
