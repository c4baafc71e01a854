"""Who is let in over TLS, and who is not, on real sockets."""

from __future__ import annotations

import shutil
import ssl
import types
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.errors import (
    KeysDamaged,
    KeysExposed,
    KeysNotFound,
    KeysRefused,
    PeerUnknown,
)
from interlock.managers import tls
from interlock.managers.keys import Authority
from interlock.managers.tls import Credentials, client_context, peer_name, server_context
from tests.managers.ends import in_memory, meet

# What OpenSSL answers (X509_verify_cert_error_string(3)).
EXPIRED, NO_ISSUER, REVOKED, OTHER_HOST, OTHER_ADDRESS = 10, 20, 23, 62, 64


def refused_by(error: object) -> int:
    """Why a certificate was refused, by the end that looked at it."""
    assert isinstance(error, ssl.SSLCertVerificationError), repr(error)
    return error.verify_code


def was_told(error: object, alert: str) -> bool:
    """Whether the other end heard why."""
    return isinstance(error, ssl.SSLError) and alert in str(error.reason)


def test_both_ends_know_each_other_by_name(authority: Authority) -> None:
    """By host name and by address; the server has no need to know where a client is."""
    directory = authority.directory
    for host in ("localhost", "127.0.0.1"):
        met = meet(
            lambda: server_context(directory, "hub"), client_context(directory, "worker"), host
        )
        assert (met.server, met.client) == ("worker", "hub")


def test_it_is_tls_1_3(authority: Authority) -> None:
    """And the names are there for ends in memory, as an event loop has them."""
    directory = authority.directory
    ends = in_memory(server_context(directory, "hub"), client_context(directory, "worker"))
    assert [end.version() for end in ends] == ["TLSv1.3", "TLSv1.3"]
    assert [peer_name(end) for end in ends] == ["worker", "hub"]


def test_nobody_is_let_in_without_a_certificate(authority: Authority) -> None:
    """A client that trusts our authority, and has nothing to show."""
    client = ssl.create_default_context(cafile=str(authority.directory / "ca.pem"))
    met = meet(lambda: server_context(authority.directory, "hub"), client)
    assert was_told(met.server, "PEER_DID_NOT_RETURN_A_CERTIFICATE")
    assert was_told(met.client, "CERTIFICATE_REQUIRED")


def test_a_client_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    """Though it bears the same name, and trusts ours."""
    Authority.create(tmp_path / "other").issue("worker")
    client = ssl.create_default_context(cafile=str(authority.directory / "ca.pem"))
    client.load_cert_chain(tmp_path / "other" / "worker.key")
    met = meet(lambda: server_context(authority.directory, "hub"), client)
    assert refused_by(met.server) == NO_ISSUER
    assert was_told(met.client, "UNKNOWN_CA")


def test_a_server_of_another_authority_is_refused(authority: Authority, tmp_path: Path) -> None:
    """Though it bears the same name, at the same host."""
    Authority.create(tmp_path / "other").issue("hub", ["localhost"])
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(tmp_path / "other" / "hub.key")
    met = meet(lambda: server, client_context(authority.directory, "worker"))
    assert refused_by(met.client) == NO_ISSUER
    assert was_told(met.server, "UNKNOWN_CA")


def test_the_machine_s_own_authorities_count_for_nothing(authority: Authority) -> None:
    """Only ours is in a context, whatever the machine trusts."""
    for make in (server_context, client_context):
        (trusted,) = make(authority.directory, "hub").get_ca_certs()
        assert trusted["serialNumber"] == authority.certificate.serial_hex


@pytest.mark.parametrize("fault", ["expired", "revoked"])
def test_an_expired_or_revoked_client_is_refused(authority: Authority, fault: str) -> None:
    """It hears which of the two it is."""
    spoil(authority, "worker", fault)
    met = meet(
        lambda: server_context(authority.directory, "hub"),
        client_context(authority.directory, "worker"),
    )
    assert refused_by(met.server) == {"expired": EXPIRED, "revoked": REVOKED}[fault]
    assert was_told(met.client, f"CERTIFICATE_{fault.upper()}")


@pytest.mark.parametrize("fault", ["expired", "revoked"])
def test_an_expired_or_revoked_server_is_refused(authority: Authority, fault: str) -> None:
    """A client looks at the revocation list, too."""
    spoil(authority, "hub", fault)
    met = meet(
        lambda: server_context(authority.directory, "hub"),
        client_context(authority.directory, "worker"),
    )
    assert refused_by(met.client) == {"expired": EXPIRED, "revoked": REVOKED}[fault]
    assert was_told(met.server, f"CERTIFICATE_{fault.upper()}")


def spoil(authority: Authority, name: str, fault: str) -> None:
    """Make a name's certificate one that is to be refused, and only for that."""
    if fault == "revoked":
        authority.revoke(name)
    else:
        authority.issue(name, days=1, start=datetime.now(UTC) - timedelta(days=1, minutes=1))


def test_a_server_at_another_host_is_refused(authority: Authority) -> None:
    """Neither another name, nor its own name where that is no host, nor another address."""
    for host, why in (
        ("example.org", OTHER_HOST),
        ("hub", OTHER_HOST),
        ("127.0.0.2", OTHER_ADDRESS),
    ):
        met = meet(
            lambda: server_context(authority.directory, "hub"),
            client_context(authority.directory, "worker"),
            host,
        )
        assert refused_by(met.client) == why
        assert isinstance(met.server, ssl.SSLError)


def test_a_name_without_hosts_is_no_server(authority: Authority) -> None:
    """Its common name is not taken for a host."""
    authority.issue("localhost")
    met = meet(
        lambda: server_context(authority.directory, "localhost"),
        client_context(authority.directory, "worker"),
    )
    assert refused_by(met.client) == OTHER_HOST


def older(make: Callable[[Path, str], ssl.SSLContext], directory: Path, name: str) -> object:
    """A context that would speak nothing newer than TLS 1.2."""
    context = make(directory, name)
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


def test_tls_1_2_is_refused_by_both(authority: Authority) -> None:
    """An old client by our server, and an old server by our client; two old ones would agree."""
    directory = authority.directory
    old_server, old_client = (
        older(make, directory, name)
        for make, name in ((server_context, "hub"), (client_context, "worker"))
    )
    assert isinstance(old_server, ssl.SSLContext) and isinstance(old_client, ssl.SSLContext)
    assert meet(lambda: old_server, old_client).server == "worker"
    met = meet(lambda: server_context(directory, "hub"), old_client)
    assert was_told(met.server, "UNSUPPORTED_PROTOCOL") and was_told(met.client, "VERSION")
    met = meet(lambda: old_server, client_context(directory, "worker"))
    assert isinstance(met.server, ssl.SSLError) and isinstance(met.client, ssl.SSLError)


def test_a_server_that_runs_for_long_refuses_who_was_revoked_meanwhile(
    authority: Authority,
) -> None:
    """The same server lets it in again when it has a new certificate."""
    credentials = Credentials(authority.directory, "hub")
    before = client_context(authority.directory, "worker")
    assert meet(credentials.server_context, before).server == "worker"
    authority.revoke("worker")
    met = meet(credentials.server_context, before)
    assert refused_by(met.server) == REVOKED
    authority.issue("worker")
    after = client_context(authority.directory, "worker")
    assert meet(credentials.server_context, after).server == "worker"
    assert refused_by(meet(credentials.server_context, before).server) == REVOKED


def test_a_server_that_runs_for_long_shows_its_renewed_certificate(authority: Authority) -> None:
    """And a client that runs for long, too."""
    hub, worker = (Credentials(authority.directory, name) for name in ("hub", "worker"))
    for _ in range(2):
        new = {each: authority.issue(each).certificate.serial_hex for each in ("hub", "worker")}
        server, client = in_memory(hub.server_context(), worker.client_context())
        shown = {
            peer_name(end): (end.getpeercert() or {})["serialNumber"] for end in (server, client)
        }
        assert shown == new


def test_contexts_are_made_anew_only_when_something_has_changed(authority: Authority) -> None:
    """A handshake is dear enough."""
    credentials = Credentials(authority.directory, "hub")
    first = credentials.server_context(), credentials.client_context()
    assert (credentials.server_context(), credentials.client_context()) == first
    authority.revoke("worker")
    assert credentials.server_context() is not first[0]
    assert credentials.client_context() is not first[1]


def test_nobody_is_let_in_while_the_revocation_list_cannot_be_read(authority: Authority) -> None:
    """Torn by who copies it; when it is whole again, all goes on."""
    credentials = Credentials(authority.directory, "hub")
    credentials.server_context()
    listed = authority.directory / "crl.pem"
    whole = listed.read_bytes()
    for torn in (whole[: len(whole) // 2], b"", (authority.directory / "ca.pem").read_bytes()):
        listed.write_bytes(torn)
        with pytest.raises(KeysDamaged, match=r"crl\.pem"):
            credentials.server_context()
    listed.unlink()
    with pytest.raises(KeysNotFound, match=r"there is no crl\.pem"):
        credentials.server_context()
    listed.write_bytes(whole)
    worker = client_context(authority.directory, "worker")
    assert meet(credentials.server_context, worker).server == "worker"


def test_a_connection_that_is_open_can_be_asked_about(authority: Authority) -> None:
    """One is not ended by a revocation; who serves it finds out."""
    credentials = Credentials(authority.directory, "hub")
    authority.issue("other")
    ends = {
        name: in_memory(credentials.server_context(), client_context(authority.directory, name))[0]
        for name in ("worker", "other")
    }
    assert [credentials.check(end) for end in ends.values()] == ["worker", "other"]
    authority.revoke("worker")
    with pytest.raises(PeerUnknown, match=r"'worker' showed a certificate .* revoked meanwhile"):
        credentials.check(ends["worker"])
    assert credentials.check(ends["other"]) == "other"


def test_a_connection_whose_certificate_has_ended_is_found_out(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long after its handshake."""
    credentials = Credentials(authority.directory, "hub")
    end, _ = in_memory(credentials.server_context(), client_context(authority.directory, "worker"))
    later = datetime.now(UTC) + timedelta(days=366)
    monkeypatch.setattr(tls, "time", types.SimpleNamespace(time=later.timestamp))
    with pytest.raises(PeerUnknown, match="expired meanwhile"):
        credentials.check(end)


def test_nobody_comes_back_by_a_session(authority: Authority) -> None:
    """It would not be looked at again; a ticket would come with the first bytes."""
    directory = authority.directory
    server, client = in_memory(
        server_context(directory, "hub"), client_context(directory, "worker")
    )
    server.write(b"welcome")
    assert client.read(7) == b"welcome"
    assert client.session is not None and not client.session.has_ticket


def test_a_name_is_asked_of_a_connection_that_has_none(authority: Authority) -> None:
    """Before the handshake, and of a certificate of our authority without a name of ours."""
    context = client_context(authority.directory, "worker")
    end = context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname="localhost")
    with pytest.raises(PeerUnknown, match="has shown no certificate"):
        peer_name(end)


@pytest.mark.parametrize("make", [server_context, client_context])
def test_a_key_that_others_may_read_is_not_used(
    authority: Authority, make: Callable[[Path, str], ssl.SSLContext]
) -> None:
    """The error says what to do, and doing it helps."""
    key = authority.directory / "hub.key"
    for mode in (0o640, 0o604, 0o620):
        key.chmod(mode)
        with pytest.raises(KeysExposed, match=f"mode {mode:04o}.*chmod 600"):
            make(authority.directory, "hub")
    key.chmod(0o600)
    make(authority.directory, "hub")


def test_a_directory_that_others_may_change_is_not_used(authority: Authority) -> None:
    """They could put another authority there; that they may read it is no harm."""
    authority.directory.chmod(0o770)
    with pytest.raises(KeysExposed, match="chmod 700"):
        server_context(authority.directory, "hub")
    authority.directory.chmod(0o755)
    server_context(authority.directory, "hub")


def test_three_files_are_enough_on_another_machine(authority: Authority, tmp_path: Path) -> None:
    """Neither NAME.pem, nor anything else, and never ca.key."""
    there = tmp_path / "there"
    there.mkdir(mode=0o700)
    for file in ("ca.pem", "crl.pem", "hub.key"):
        shutil.copy2(authority.directory / file, there)
    worker = client_context(authority.directory, "worker")
    assert meet(lambda: server_context(there, "hub"), worker).client == "hub"


def test_what_cannot_be_used_is_named(authority: Authority, tmp_path: Path) -> None:
    """P6: the file, and what to do."""
    directory = authority.directory
    with pytest.raises(KeysNotFound, match=r"there is no nobody\.key"):
        server_context(directory, "nobody")
    with pytest.raises(KeysNotFound, match="there is no directory"):
        server_context(tmp_path / "absent", "hub")
    for name in ("ca", "../keys/hub"):
        with pytest.raises(KeysRefused):
            server_context(directory, name)
    key = (directory / "hub.key").read_bytes()
    (directory / "hub.key").write_bytes(key[:100])
    with pytest.raises(KeysDamaged, match=r"hub\.key"):
        server_context(directory, "hub")
    (directory / "hub.key").write_bytes(key)
    with (directory / "ca.pem").open("ab") as file:
        file.write((Authority.create(tmp_path / "other").directory / "ca.pem").read_bytes())
    with pytest.raises(KeysDamaged, match="not one authority and its revocation"):
        server_context(directory, "hub")
