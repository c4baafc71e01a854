"""TLS between machines: both ends show a certificate of one authority, or there is no connection.

    what is checked                      by             how
    TLS 1.3 and nothing older            both           minimum_version
    a certificate of our authority       both           CERT_REQUIRED, ca.pem and no other
    valid now, made for this use         both           OpenSSL
    not in the revocation list           both           VERIFY_CRL_CHECK_LEAF, crl.pem
    made for the host connected to       the client     check_hostname

In TLS 1.3 a client has finished its handshake before the server has looked at its certificate. That
it was refused, it learns when it reads first: an `ssl.SSLError` from `recv`.

A context never looks at its files again. A server that runs for months has to refuse who was
revoked meanwhile: `Credentials` compares what stat(2) says of the files at every connection, which
takes microseconds, and makes a new context when something has changed. There are no session
tickets, with which a client would come back without showing its certificate. If the new files
cannot be used, nobody is let in: the list that cannot be read may be the one with the client in it.

Source: RFC 8446; RFC 6125; SSL_CTX_set_num_tickets(3).
"""

from __future__ import annotations

import os
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from interlock.errors import InterlockError, KeysDamaged, PeerUnknown
from interlock.managers.keys.files import (
    CA,
    CRL,
    key_file,
    not_for_others_to_change,
    opened,
    pem_file,
    read,
)
from interlock.managers.keys.request import checked_name

__all__ = [
    "Credentials",
    "Security",
    "TlsFailed",
    "Validity",
    "client_context",
    "peer_name",
    "server_context",
    "validity_of",
]

NAME_URI = "interlock:"  # as in keys/signing.py, which needs cryptography
Connection = ssl.SSLSocket | ssl.SSLObject
_T = TypeVar("_T")
_Stamp = tuple[int, int, int, int]  # device, inode, time of change, size


def server_context(directory: str | os.PathLike[str], name: str) -> ssl.SSLContext:
    """A context for who accepts connections, and wants to know from whom.

    It is for the files as they are now; a server that runs for long has `Credentials`.

    Args:
        directory: Where `ca.pem`, `crl.pem` and the name's key are.
        name: Whose certificate the server shows.

    Raises:
        KeysNotFound: One of the files is not there.
        KeysExposed: Others may read the key, or change the directory.
        KeysDamaged: A file is not what it should be.
        KeysRefused: That cannot be a name.
    """
    context = _context(ssl.PROTOCOL_TLS_SERVER, Path(directory), name)
    context.verify_mode = ssl.CERT_REQUIRED
    context.num_tickets = 0
    return context


def client_context(directory: str | os.PathLike[str], name: str) -> ssl.SSLContext:
    """A context for who connects; give `wrap_socket` the host as `server_hostname`.

    Args:
        directory: Where `ca.pem`, `crl.pem` and the name's key are.
        name: Whose certificate the client shows.

    Raises:
        KeysNotFound: One of the files is not there.
        KeysExposed: Others may read the key, or change the directory.
        KeysDamaged: A file is not what it should be.
        KeysRefused: That cannot be a name.
    """
    # Such a context checks the host's name and the certificate if nothing else is said.
    context = _context(ssl.PROTOCOL_TLS_CLIENT, Path(directory), name)
    context.hostname_checks_common_name = False
    return context


def _context(protocol: int, directory: Path, name: str) -> ssl.SSLContext:
    not_for_others_to_change(directory)
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF | ssl.VERIFY_X509_STRICT
    key = key_file(directory, checked_name(name))
    _load(key, context.load_cert_chain, for_its_key=True)
    for path in (pem_file(directory, CA), pem_file(directory, CRL)):
        _load(path, context.load_verify_locations)
    trusted = context.cert_store_stats()
    if trusted != {"x509": 1, "x509_ca": 1, "crl": 1}:
        raise KeysDamaged(
            f"ca.pem and crl.pem in {str(directory)!r} are not one authority and its revocation "
            "list; copy both again from where the authority is"
        )
    return context


def _load(path: Path, load: Callable[[str], None], *, for_its_key: bool = False) -> None:
    """Have OpenSSL read a file, and all of it from one, even while it is being replaced."""
    with opened(path, for_its_key=for_its_key) as fd:
        try:
            load(f"/proc/self/fd/{fd}")
        except ssl.SSLError as error:
            raise KeysDamaged(
                f"{str(path)!r} is not what `interlock keys` wrote ({error.reason or error}); "
                "copy it again from where the authority is"
            ) from error


class TlsFailed(InterlockError, ssl.SSLError):
    """A certificate was refused, by one side or the other, or what came was not TLS."""


def peer_name(connection: Connection) -> str:
    """The name that the other end has proved to have, by a certificate of our authority.

    Args:
        connection: One whose handshake is done, by a context of this module.

    Raises:
        PeerUnknown: It has shown no certificate, or one that has no name of ours.
    """
    names: list[str] = [
        value.removeprefix(NAME_URI)
        for kind, value in _shown(connection).get("subjectAltName", ())
        if kind == "URI" and value.startswith(NAME_URI)
    ]
    if len(names) != 1:
        raise PeerUnknown(
            f"The certificate of the other end has {len(names) or 'no'} names of Interlock. "
            "It was not made by `interlock keys issue`. Issue one for it, and use that."
        )
    return names[0]


class Validity(NamedTuple):
    """What of a certificate says whether it is still good.

    Attributes:
        serial: By which it is revoked.
        ends_s: When it ends, in seconds of `time.time`.
    """

    serial: int
    ends_s: float


def validity_of(certificate: Mapping[str, Any]) -> Validity:
    """Of a certificate as `ssl.SSLSocket.getpeercert` gives it."""
    ends_s = ssl.cert_time_to_seconds(str(certificate["notAfter"]))
    return Validity(int(str(certificate["serialNumber"]), 16), ends_s)


def _shown(connection: Connection) -> dict[str, Any]:
    certificate: dict[str, Any] | None = None
    with suppress(ValueError):  # no handshake yet
        certificate = connection.getpeercert()
    if not certificate:
        raise PeerUnknown(
            "The other end has shown no certificate. Its handshake is not done, or is not by a "
            "context of `interlock.managers.tls`. Finish it before you ask for a name."
        )
    return certificate


class Credentials:
    """The contexts of one name, made anew when its files change; for what runs for long.

    Any number of threads may use one.

    Args:
        directory: Where `ca.pem`, `crl.pem` and the name's key are.
        name: Whose certificate is shown.

    If a process dies: its peers see the end of the connection; nothing else is shared.
    """

    def __init__(self, directory: str | os.PathLike[str], name: str) -> None:
        place = Path(directory)
        files = (
            place,
            key_file(place, checked_name(name)),
            pem_file(place, CA),
            pem_file(place, CRL),
        )
        self.directory, self.name = place, name
        self._server = _Fresh(lambda: server_context(place, name), files)
        self._client = _Fresh(lambda: client_context(place, name), files)
        self._revoked = _Fresh(lambda: _revoked(place), files)

    def server_context(self) -> ssl.SSLContext:
        """`server_context` for the files as they are; take it for each connection accepted.

        Raises:
            KeysNotFound: One of the files is not there.
            KeysExposed: Others may read the key, or change the directory.
            KeysDamaged: A file is not what it should be.
        """
        return self._server.get()

    def client_context(self) -> ssl.SSLContext:
        """`client_context` for the files as they are; take it for each connection made.

        Raises:
            KeysNotFound: One of the files is not there.
            KeysExposed: Others may read the key, or change the directory.
            KeysDamaged: A file is not what it should be.
        """
        return self._client.get()

    def revoked(self) -> frozenset[int]:
        """The serial numbers on the revocation list as it is now.

        Raises:
            KeysNotFound: There is none.
            KeysDamaged: It is not what it should be.
            MissingDependency: cryptography is not installed.
        """
        return self._revoked.get()

    def check(self, connection: Connection) -> str:
        """Whether the other end of an open connection would be let in again now.

        A connection outlives the certificate that opened it. Ask before what matters.

        Returns:
            Its name.

        Raises:
            PeerUnknown: Its certificate is revoked or has ended by now, or it has shown none.
            KeysNotFound: There is no revocation list.
            KeysDamaged: The revocation list is not what it should be.
            MissingDependency: cryptography is not installed.
        """
        name, certificate = peer_name(connection), _shown(connection)
        validity, serial = validity_of(certificate), str(certificate["serialNumber"])
        if validity.serial in self.revoked():
            raise PeerUnknown(
                f"{name!r} showed a certificate (serial {serial}) that was revoked meanwhile. "
                "Nothing more was done for it. Issue another one if it is to come back."
            )
        if validity.ends_s < time.time():
            raise PeerUnknown(
                f"{name!r} showed a certificate (serial {serial}) that has expired meanwhile. "
                "Nothing more was done for it. Renew it with `interlock keys issue`, and connect "
                "again."
            )
        return name


Security = ssl.SSLContext | Credentials
"""How a connection is secured: by a context, or by files that may be renewed meanwhile."""


def _revoked(directory: Path) -> frozenset[int]:
    from interlock.managers.keys import signing  # the only part that needs cryptography

    authority, listed = pem_file(directory, CA), pem_file(directory, CRL)
    certificate = signing.certificate_in(read(authority), authority)
    return frozenset(signing.revocations_in(read(listed), listed, certificate)[0])


class _Fresh(Generic[_T]):
    """Something made from files, and made again after they have changed.

    Without a lock, which a child forked meanwhile would find held for ever: what it keeps is one
    reference, and the worst is that two threads make the same thing at once.
    """

    def __init__(self, make: Callable[[], _T], files: tuple[Path, ...]) -> None:
        self._make = make
        self._files = files
        self._made: tuple[tuple[_Stamp | None, ...], _T] | None = None

    def get(self) -> _T:
        """What is made from the files as they are now.

        Raises:
            Exception: What making it raises; it is tried again the next time.

        If a process dies: a file that it was writing is the old one or the new one.
        """
        # First the stamps: files that change while they are read are read again next time.
        stamps = tuple(map(_stamp, self._files))
        made = self._made
        if made is None or made[0] != stamps:
            made = self._made = stamps, self._make()
        return made[1]


def _stamp(path: Path) -> _Stamp | None:
    """What differs when another file is in its place, or other bytes or rights are in it."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_ctime_ns, status.st_size
