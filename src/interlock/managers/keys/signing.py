"""Certificates and revocation lists as X.509 has them, by `cryptography`.

Keys are ECDSA on P-256, not Ed25519. Python's `ssl` takes either in TLS 1.3; but P-256 with SHA-256
is what every TLS 1.3 has to speak (RFC 8446, 9.1), while browsers and systems in FIPS mode refuse
certificates with Ed25519, and a certificate of ours may be shown to a browser or a proxy one day.

A name is in the certificate as a URI, ``interlock:NAME``, beside the hosts. That is what a peer is
known by; the common name says the same for people. One authority signs all directly, so that a
certificate's chain is the certificate itself.

A revocation list says when the next one is due, and OpenSSL refuses everything after that. Nobody
fetches ours: it changes when somebody is revoked, in ten years perhaps. So it is due when the
authority ends, and no forgotten renewal stops all machines at one moment.

Source: RFC 5280; RFC 8446, 9.1.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta

from interlock.errors import KeysDamaged, MissingDependency

try:
    from cryptography import x509
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        NoEncryption,
        PrivateFormat,
        load_pem_private_key,
    )
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
except ModuleNotFoundError as error:
    raise MissingDependency(
        "Certificates need cryptography, which is not installed. "
        "Install it with `pip install 'interlock[net]'`."
    ) from error

from interlock.managers.keys.certificate import Certificate

__all__ = [
    "CLOCKS_MARGIN",
    "NAME_URI",
    "Key",
    "authority_certificate",
    "certificate_in",
    "described",
    "is_of",
    "key_in",
    "new_key",
    "pem",
    "revocation_list",
    "revocations_in",
    "signed",
]

CLOCKS_MARGIN = timedelta(hours=1)  # by which the clocks of two machines may differ
NAME_URI = "interlock:"
Key = ec.EllipticCurvePrivateKey


def new_key() -> Key:
    """A private key."""
    return ec.generate_private_key(ec.SECP256R1())


def authority_certificate(key: Key, now: datetime, days: int) -> x509.Certificate:
    """The certificate of an authority, signed by itself.

    Its name has part of its key's digest: two authorities are told apart in error messages, and
    OpenSSL, which looks for them by name, takes the right one.
    """
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    subject = _common_name(f"Interlock authority {identifier.digest.hex()[:12]}")
    return (
        _builder(subject, subject, key, now, now + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier(identifier.digest, None, None), critical=False)
        .sign(key, hashes.SHA256())
    )


def signed(
    authority: x509.Certificate,
    authority_key: Key,
    key: Key,
    name: str,
    hosts: Iterable[str],
    start: datetime,
    days: int,
) -> x509.Certificate:
    """A certificate for a name, to be shown by servers and clients; it ends with its authority."""
    end = min(start + timedelta(days=days), authority.not_valid_after_utc)
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    uses = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    names = [x509.UniformResourceIdentifier(NAME_URI + name), *map(_general_name, hosts)]
    return (
        _builder(_common_name(name), authority.subject, key, start, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: Key, start: datetime, end: datetime
) -> x509.CertificateBuilder:
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start - CLOCKS_MARGIN)
        .not_valid_after(end)
        .add_extension(identifier, critical=False)
    )


def _common_name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(signs: bool) -> x509.KeyUsage:
    """An authority signs certificates and revocation lists; the others sign handshakes."""
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def revocation_list(
    authority: x509.Certificate,
    authority_key: Key,
    revoked: Mapping[int, datetime],
    now: datetime,
    number: int,
) -> x509.CertificateRevocationList:
    """The list of all that were revoked, by serial."""
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(authority.subject)
        .last_update(now - CLOCKS_MARGIN)
        .next_update(authority.not_valid_after_utc)
        .add_extension(x509.CRLNumber(number), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier),
            critical=False,
        )
    )
    for serial, when in revoked.items():
        entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(when)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(authority_key, hashes.SHA256())


def pem(*parts: Key | x509.Certificate | x509.CertificateRevocationList) -> bytes:
    """The text of a file that holds these."""
    return b"".join(
        part.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        if isinstance(part, ec.EllipticCurvePrivateKey)
        else part.public_bytes(Encoding.PEM)
        for part in parts
    )


def certificate_in(data: bytes, path: object) -> x509.Certificate:
    """The first certificate in a file.

    Raises:
        KeysDamaged: There is none.
    """
    try:
        return x509.load_pem_x509_certificate(data)
    except ValueError as error:
        raise _damaged(path, "holds no certificate") from error


def is_of(certificate: x509.Certificate, authority: x509.Certificate) -> bool:
    """Whether the authority has signed it."""
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def key_in(data: bytes, path: object) -> Key:
    """The private key in a file.

    Raises:
        KeysDamaged: There is none, or not such as we make.
    """
    try:
        key = load_pem_private_key(data, password=None)
    except (ValueError, TypeError) as error:
        raise _damaged(path, "holds no private key") from error
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise _damaged(path, "holds a private key of another kind")
    return key


def revocations_in(
    data: bytes, path: object, authority: x509.Certificate
) -> tuple[dict[int, datetime], int]:
    """What a revocation list says: serials with the times, and the list's own number.

    Raises:
        KeysDamaged: It is none, or another authority's.
    """
    try:
        found = x509.load_pem_x509_crl(data)
        number = found.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    except (ValueError, x509.ExtensionNotFound) as error:
        raise _damaged(path, "holds no revocation list") from error
    public = authority.public_key()
    if not isinstance(public, ec.EllipticCurvePublicKey) or not found.is_signature_valid(public):
        raise _damaged(path, "is not signed by the authority beside it")
    return {each.serial_number: each.revocation_date_utc for each in found}, number


def described(
    certificate: x509.Certificate, revoked: Mapping[int, datetime], current: bool = True
) -> Certificate:
    """What is known of a certificate; of one that has no name of ours, its common name."""
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        found = x509.SubjectAlternativeName([])
    uris = found.get_values_for_type(x509.UniformResourceIdentifier)
    names = [uri.removeprefix(NAME_URI) for uri in uris if uri.startswith(NAME_URI)]
    addresses = map(str, found.get_values_for_type(x509.IPAddress))
    return Certificate(
        name=names[0] if names else certificate.subject.rfc4514_string().removeprefix("CN="),
        serial=certificate.serial_number,
        hosts=(*found.get_values_for_type(x509.DNSName), *addresses),
        valid_from=certificate.not_valid_before_utc.astimezone(UTC),
        valid_until=certificate.not_valid_after_utc.astimezone(UTC),
        revoked=revoked.get(certificate.serial_number),
        current=current,
    )


def _damaged(path: object, what: str) -> KeysDamaged:
    return KeysDamaged(
        f"{str(path)!r} {what}; copy it again from where the authority is, or from a backup"
    )
