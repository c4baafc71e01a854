"""How a manager's server is reached by TCP, and who may reach it."""

from __future__ import annotations

import os
import socket
import ssl as tls
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from interlock.errors import InsecureAddress, KeysRefused
from interlock.managers.auth import Permissions, is_loopback
from interlock.managers.bounds import Bounds

if TYPE_CHECKING:
    from interlock.managers.tls import Credentials

__all__ = ["Place", "Terms", "as_lists", "listener"]

_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
_BACKLOG = 128


@dataclass(frozen=True)
class Place:
    """A server, as its clients reach it.

    Attributes:
        address: Host and port. Every address of this machine (an empty host) is the loopback.
        key: Of the server and all its clients; None where certificates say who they are.
        keys: The directory with certificates for TLS; None for plain TCP.
        name: Whose certificate is shown.
        hostname: What the server's certificate is to say; None for the host.
        insecure: Whether plain TCP may go to other machines.
        as_lists: Whether tuples go as lists, as with ``serializer="xmlrpclib"`` they always have.
    """

    address: tuple[str, int]
    key: bytes | None = field(repr=False)
    keys: str | None = None
    name: str | None = None
    hostname: str | None = None
    insecure: bool = False
    as_lists: bool = False

    def target(self) -> tuple[str, int]:
        """Where to connect to."""
        host, port = self.address
        return _EVERYWHERE.get(host, host), port

    def client_context(self) -> tls.SSLContext | None:
        """For a connection to it; made anew of the files as they are.

        Raises:
            KeysNotFound, KeysExposed, KeysDamaged: The files are not what they should be.
        """
        if self.keys is None:
            return None
        from interlock.managers.tls import client_context

        return client_context(self.keys, self._name())

    def credentials(self) -> Credentials | None:
        """Of a server there, which looks at the files for each connection.

        Raises:
            KeysNotFound, KeysExposed, KeysDamaged: The files are not what they should be.
        """
        if self.keys is None:
            return None
        from interlock.managers.tls import Credentials

        made = Credentials(self.keys, self._name())
        made.server_context()
        return made

    def _name(self) -> str:
        if self.name is None:
            raise KeysRefused("With tls= say by name= whose certificate is to be shown.")
        return self.name


@dataclass(frozen=True)
class Terms:
    """What a server gives to whom: as of `ObjectServer`, and the functions for its pools."""

    permissions: Permissions | None = None
    bounds: Bounds | None = None
    hide_tracebacks: bool = False
    tasks: Mapping[str, Callable[..., Any]] = field(default_factory=dict)


def as_lists(value: Any) -> Any:
    """The same without tuples."""
    if isinstance(value, list | tuple):
        return [as_lists(each) for each in value]
    if type(value) is dict:
        return {key: as_lists(each) for key, each in value.items()}
    return value


def listener(place: Place) -> socket.socket:
    """A socket that is bound there.

    Raises:
        InsecureAddress: It is open to other machines alone, and they would all be refused.
        OSError: The address is taken, or not this machine's.
    """
    host, port = place.address
    if place.keys is None and not place.insecure and host not in _EVERYWHERE:
        if not is_loopback(host):
            raise InsecureAddress(
                f"{host}:{port} is reached from other machines, and a key alone does not keep what "
                "is said from being read and changed on the way. Give tls= and name=, or write "
                "insecure=True; an empty host serves this machine."
            )
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(_BACKLOG)
        os.set_inheritable(sock.fileno(), False)
    except BaseException:
        sock.close()
        raise
    return sock
