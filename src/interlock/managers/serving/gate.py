"""Who is let in by TLS, and who is not let stay: certificates that end or are revoked meanwhile.

A server runs for months, and its revocation list changes. With `Credentials` each handshake is by
the files as they are then. Connections that are there are looked at again and again, by the number
and the end of their certificate.

A connection that is cut leaves its session for the time of grace, as any does: who has a new
certificate under the same name goes on with it. Others get no handshake.
"""

from __future__ import annotations

import contextlib
import logging
import resource
import ssl
import time
from collections.abc import Iterable
from typing import Protocol

from interlock.errors import InterlockError, PeerUnknown
from interlock.managers.tls import Credentials, Security, Validity

__all__ = ["Gate", "raise_descriptor_limit"]

_DESCRIPTORS_FOR_THE_REST = 256
_ROOM = 256 * 1024
_log = logging.getLogger(__name__)


class _Guest(Protocol):
    """A connection, as the gate knows it."""

    validity: Validity | None

    def cut(self, error: Exception) -> None:
        """End it."""


class Gate:
    """TLS at a server's door.

    Args:
        security: `Credentials`, or a context that stays as it is.

    Attributes:
        room: Where all connections read what is encrypted, one after another.

    Raises:
        KeysNotFound, KeysExposed, KeysDamaged: As `Credentials.server_context`.
    """

    def __init__(self, security: Security) -> None:
        self._security = security
        self._credentials = security if isinstance(security, Credentials) else None
        self.asks_who = self.context().verify_mode is ssl.CERT_REQUIRED
        self.room = memoryview(bytearray(_ROOM))

    def context(self) -> ssl.SSLContext:
        """For a handshake that begins now.

        Raises:
            KeysNotFound, KeysExposed, KeysDamaged: As `Credentials.server_context`.
        """
        if isinstance(self._security, Credentials):
            return self._security.server_context()
        return self._security

    def cut_refused(self, guests: Iterable[_Guest]) -> None:
        """Cut those whose certificate has ended, or was revoked, since they came."""
        if self._credentials is None:
            return
        revoked: frozenset[int] = frozenset()
        try:
            revoked = self._credentials.revoked()
        except (InterlockError, OSError) as error:  # nobody new is let in, until it is there again
            _log.error("the revocation list cannot be used: %s", error)
        now_s = time.time()
        for guest in list(guests):
            if guest.validity is None:
                continue
            if guest.validity.serial in revoked:
                guest.cut(PeerUnknown("Its certificate was revoked meanwhile."))
            elif guest.validity.ends_s < now_s:
                guest.cut(PeerUnknown("Its certificate has ended meanwhile."))


def raise_descriptor_limit(connections: int) -> None:
    """Let this process have descriptors for so many connections, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + _DESCRIPTORS_FOR_THE_REST
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with contextlib.suppress(OSError, ValueError):
            most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
