"""An authority: makes certificates for names, renews them and revokes them.

What it knows is in the files alone: `issued/` has every certificate that was signed, NAME.key the
one that is current, `crl.pem` what was revoked. There is no database to disagree with them.

A certificate is written to `issued/` before anybody can have its key. So no certificate is in use
that the authority does not know of, and `revoke` reaches each.

What a death leaves:

    issue, before NAME.key is renamed    a certificate in issued/ whose key nobody has
    issue, before NAME.pem is renamed    the new pair in NAME.key, which TLS reads; an old NAME.pem
    issue, before crl.pem is renamed     the new pair; with revoke_old, the old one still valid
    revoke, before crl.pem is renamed    nothing is revoked
    create, before ca.key is renamed     no authority; the next create makes one
    create, before ca.pem is renamed     an authority; whoever opens it writes ca.pem
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from interlock.errors import KeysDamaged, KeysExist, KeysNotFound, KeysRefused
from interlock.managers.keys import files, signing
from interlock.managers.keys.certificate import Certificate
from interlock.managers.keys.files import CA, CRL, ISSUED, PRIVATE, PUBLIC
from interlock.managers.keys.request import checked_days, checked_hosts, checked_name

if TYPE_CHECKING:
    from cryptography import x509

__all__ = ["AUTHORITY_DAYS", "DAYS", "Authority", "Certificate", "Issued"]

DAYS, AUTHORITY_DAYS = 365, 3650


@dataclass(frozen=True)
class Issued:
    """What `Authority.issue` has done.

    Attributes:
        certificate: The new one.
        still_valid: Older ones of the same name that peers go on accepting.
        revoked: Older ones that were revoked.
    """

    certificate: Certificate
    still_valid: tuple[Certificate, ...]
    revoked: tuple[Certificate, ...]


class Authority:
    """A certificate authority of one's own, in a directory.

    On a machine that was given only `ca.pem`, `crl.pem` and the files of some names, it lists
    these; it signs only where `ca.key` is.

    Args:
        directory: Where its files are.

    Raises:
        KeysNotFound: There is no authority in it.
        KeysDamaged: `ca.pem` is no certificate.
        MissingDependency: cryptography is not installed.

    If a process dies: each file is the old one or the new one, and what belongs together is put
        together by whoever changes the directory next.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     authority = Authority.create(directory)
        ...     authority.issue("db", ["db1.example.org", "10.0.0.7"]).certificate.hosts
        ('db1.example.org', '10.0.0.7')
    """

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.directory = Path(directory)
        if not self._pem(CA).exists() and self._key(CA).exists():
            with files.locked(self.directory):
                self._complete(CA)
        if not self._pem(CA).exists():
            raise KeysNotFound(
                f"there is no authority in {str(self.directory)!r}; make one with "
                "`interlock keys init`, or give the directory that has one"
            )
        self._certificate = self._read_certificate(self._pem(CA))

    @classmethod
    def create(cls, directory: str | os.PathLike[str], days: int = AUTHORITY_DAYS) -> Authority:
        """Make a new authority, and the directory if it is not there.

        Args:
            directory: Where its files are to be; others than its owner may not enter it.
            days: How long the authority is valid, and with it all that it signs; ten years, as
                all machines have to be told when there is a new one.

        Raises:
            KeysExist: There is one already. It is not touched.
            KeysExposed: The directory is open to others.
            KeysRefused: The days are not from 1 to 36,500.
            KeysBusy: Another process has been changing the directory all the time.
        """
        checked_days(days)
        place = Path(directory)
        try:
            place.mkdir(mode=files.DIRECTORY, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise KeysExist(
                f"{str(place)!r} is or lies under a file that is no directory; give another name"
            ) from error
        with files.locked(place):
            files.for_us_alone(place, place.stat())
            for file in (files.key_file(place, CA), files.pem_file(place, CA)):
                if file.exists():
                    raise KeysExist(
                        f"there is an authority in {str(place)!r} already, and what it signed "
                        "would be worth nothing without it; give another directory for a new one"
                    )
            key, now = signing.new_key(), _now()
            certificate = signing.authority_certificate(key, now, days)
            listed = signing.revocation_list(certificate, key, {}, now, number=1)
            (place / ISSUED).mkdir(mode=files.DIRECTORY, exist_ok=True)
            if not (place / ".gitignore").exists():  # no key gets into a repository
                files.write(place / ".gitignore", b"*\n", PUBLIC)
            files.write(files.pem_file(place, CRL), signing.pem(listed), PUBLIC)
            files.write(files.key_file(place, CA), signing.pem(key, certificate), PRIVATE)
            files.write(files.pem_file(place, CA), signing.pem(certificate), PUBLIC)
        return cls(place)

    @property
    def certificate(self) -> Certificate:
        """The authority's own."""
        return signing.described(self._certificate, {})

    def issue(
        self,
        name: str,
        hosts: Iterable[str] | None = None,
        days: int = DAYS,
        *,
        revoke_old: bool = False,
        start: datetime | None = None,
    ) -> Issued:
        """Make a key and a certificate for a name, or new ones in place of the old.

        Older certificates of the name go on being accepted until they end: whoever uses them has
        time to take the new one. Where an old key may have been stolen, revoke them.

        Args:
            name: Whose it is; what peers will know its owner by.
            hosts: Host names and IP addresses at which the owner may be connected to. None for
                those of the certificate before it; a mere client needs none.
            days: How long it is valid, but no longer than the authority.
            revoke_old: Whether to revoke all older ones of the name.
            start: When it begins, with a time zone; None for now.

        Raises:
            KeysRefused: A name, host or time cannot be had, or the authority has ended.
            KeysNotFound: The authority's key is not here.
            KeysExposed: Others may read it.
            KeysDamaged: A file is not what it should be.
            KeysBusy: Another process has been changing the directory all the time.

        If a process dies: the name has its old key and certificate, or the new ones. With
            revoke_old, do it again: it is not known whether the old ones are revoked.
        """
        checked_name(name)
        checked_days(days)
        chosen = None if hosts is None else checked_hosts(hosts)
        begin = _now() if start is None else start.astimezone(UTC).replace(microsecond=0)
        with self._signing() as authority_key:
            self._begins_before_the_end(begin)
            revoked, number = self._revocations()
            if chosen is None:
                before = self._current(name)
                chosen = () if before is None else signing.described(before, {}).hosts
            key = signing.new_key()
            made = signing.signed(self._certificate, authority_key, key, name, chosen, begin, days)
            self._keep(made)
            files.write(self._key(name), signing.pem(key, made), PRIVATE)
            files.write(self._pem(name), signing.pem(made), PUBLIC)
            others = self._others(name, made.serial_number, revoked)
            older = tuple(each for each in others if each.revoked is None)
            if revoke_old:
                revoked |= {each.serial: _now() for each in older}
            self._write_list(authority_key, revoked, number + 1)
        usable = tuple(each for each in older if each.is_usable(_now()))
        kept, ended = ((), older) if revoke_old else (usable, ())
        return Issued(signing.described(made, {}), kept, ended)

    def revoke(self, name: str) -> tuple[Certificate, ...]:
        """Revoke every certificate that a name ever had; nothing makes them valid again.

        Peers refuse it when they have the new `crl.pem`.

        Returns:
            Those that were not revoked before.

        Raises:
            KeysRefused: That cannot be a name.
            KeysNotFound: The name has none, or the authority's key is not here.
            KeysExposed: Others may read the authority's key.
            KeysDamaged: A file is not what it should be.
            KeysBusy: Another process has been changing the directory all the time.

        If a process dies: all are revoked, or none.
        """
        checked_name(name)
        with self._signing() as authority_key:
            revoked, number = self._revocations()
            known = self._signed_ever(revoked)
            found = [each for each in known if each.name == name]
            if not found:
                raise self._no_such_name(name, (each.name for each in known))
            new = {each.serial: _now() for each in found if each.revoked is None}
            self._write_list(authority_key, revoked | new, number + 1)
        return tuple(each for each in found if each.serial in new)

    def certificates(self) -> tuple[Certificate, ...]:
        """Every certificate that is known here, by name; of a name, the current one first.

        Raises:
            KeysNotFound: There is no revocation list.
            KeysDamaged: A file is not what it should be.
        """
        revoked, _ = self._revocations()
        known = {each.serial: each for each in self._signed_ever(revoked)}
        for name in files.names_in(self.directory):
            if (found := self._current(name)) is not None:
                known[found.serial_number] = signing.described(found, revoked)
        return tuple(
            sorted(known.values(), key=lambda each: (each.name, not each.current, each.valid_from))
        )

    # ---- the files ---------------------------------------------------------------

    def _key(self, name: str) -> Path:
        return files.key_file(self.directory, name)

    def _pem(self, name: str) -> Path:
        return files.pem_file(self.directory, name)

    def _kept(self, serial: int) -> Path:
        return files.pem_file(self.directory / ISSUED, f"{serial:x}")

    @contextmanager
    def _signing(self) -> Iterator[signing.Key]:
        """The authority's key, while nobody else changes the directory."""
        with files.locked(self.directory):
            try:
                data = files.read(self._key(CA), for_its_key=True)
            except KeysNotFound as error:
                raise KeysNotFound(
                    f"the authority's key is not in {str(self.directory)!r}, so nothing can be "
                    "signed there; do it in the directory where `interlock keys init` was run"
                ) from error
            key = signing.key_in(data, self._key(CA))
            if key.public_key() != self._certificate.public_key():
                raise KeysDamaged(
                    f"{str(self._key(CA))!r} is not the key of the authority in ca.pem; copy both "
                    "from one backup"
                )
            self._begins_before_the_end(_now())
            for name in files.names_in(self.directory):
                self._complete(name)
            yield key

    def _complete(self, name: str) -> None:
        """Write what is missing beside a key: the name's writer may have died in between."""
        try:
            certificate = self._current(name)
        except KeysDamaged:
            return  # not by a death; it is told when it is asked for
        if certificate is None:
            return
        if name != CA:
            self._keep(certificate)
        data = signing.pem(certificate)
        if not self._pem(name).exists() or self._pem(name).read_bytes() != data:
            files.write(self._pem(name), data, PUBLIC)

    def _keep(self, certificate: x509.Certificate) -> None:
        kept = self._kept(certificate.serial_number)
        kept.parent.mkdir(mode=files.DIRECTORY, exist_ok=True)
        if not kept.exists():
            files.write(kept, signing.pem(certificate), PUBLIC)

    def _current(self, name: str) -> x509.Certificate | None:
        """The certificate of a name as its key's file has it; None if it has none of ours."""
        for path in (self._key(name), self._pem(name)):
            try:
                found = self._read_certificate(path)
            except KeysNotFound:
                continue
            return found if name == CA or signing.is_of(found, self._certificate) else None
        return None

    @staticmethod
    def _read_certificate(path: Path) -> x509.Certificate:
        return signing.certificate_in(files.read(path), path)

    def _signed_ever(self, revoked: Mapping[int, datetime]) -> list[Certificate]:
        kept = (self.directory / ISSUED).glob("[!.]*.pem")
        found = map(self._read_certificate, sorted(kept))
        return [signing.described(each, revoked, current=False) for each in found]

    def _others(
        self, name: str, serial: int, revoked: Mapping[int, datetime]
    ) -> tuple[Certificate, ...]:
        """The certificates of a name but for one."""
        known = self._signed_ever(revoked)
        return tuple(each for each in known if each.name == name and each.serial != serial)

    def _revocations(self) -> tuple[dict[int, datetime], int]:
        path = self._pem(CRL)
        return signing.revocations_in(files.read(path), path, self._certificate)

    def _write_list(self, key: signing.Key, revoked: Mapping[int, datetime], number: int) -> None:
        listed = signing.revocation_list(self._certificate, key, revoked, _now(), number)
        files.write(self._pem(CRL), signing.pem(listed), PUBLIC)

    def _begins_before_the_end(self, begin: datetime) -> None:
        end = self._certificate.not_valid_after_utc
        if begin >= end:
            raise KeysRefused(
                f"the authority in {str(self.directory)!r} is valid only until "
                f"{end:%Y-%m-%d %H:%M} UTC and signs nothing for the time after it; make a new "
                "one in another directory with `interlock keys init`"
            )

    def _no_such_name(self, name: str, names: Iterable[str]) -> KeysNotFound:
        close = difflib.get_close_matches(name, set(names), n=1)
        meant = f"did you mean {close[0]}?" if close else "`interlock keys show` lists the names"
        return KeysNotFound(
            f"no certificate was ever made for {name!r} in {str(self.directory)!r}; {meant}"
        )


def _now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)  # as certificates have it
