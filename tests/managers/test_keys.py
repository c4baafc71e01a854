"""An authority: what it signs, what it refuses, renewal and revocation."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from interlock.errors import (
    KeysDamaged,
    KeysExist,
    KeysExposed,
    KeysNotFound,
    KeysRefused,
)
from interlock.managers.keys import Authority

BOUND_S = 60.0


def loaded(authority: Authority, file: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((authority.directory / file).read_bytes())


def listed(authority: Authority) -> x509.CertificateRevocationList:
    return x509.load_pem_x509_crl((authority.directory / "crl.pem").read_bytes())


def number(authority: Authority) -> int:
    """How often the revocation list was signed."""
    return listed(authority).extensions.get_extension_for_class(x509.CRLNumber).value.crl_number


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_an_authority_signs_and_does_nothing_else(tmp_path: Path) -> None:
    """Certificates and revocation lists, for ten years, and no other authority."""
    authority = Authority.create(tmp_path / "keys")
    found = loaded(authority, "ca.pem").extensions
    assert found.get_extension_for_class(x509.BasicConstraints).critical
    constraints = found.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)
    usage = found.get_extension_for_class(x509.KeyUsage).value
    assert usage.key_cert_sign and usage.crl_sign and not usage.digital_signature
    lifetime = authority.certificate.valid_until - authority.certificate.valid_from
    assert lifetime == timedelta(days=3650, hours=1)
    assert authority.certificates() == () and len(listed(authority)) == 0


def test_a_certificate_says_who_where_what_for_and_how_long(authority: Authority) -> None:
    """In the form that OpenSSL's strict checks want."""
    before = datetime.now(UTC).replace(microsecond=0)
    hosts = ["DB1.Example.org", "10.0.0.7", "::0001", "db1.example.org"]
    told = authority.issue("db", hosts).certificate
    certificate = loaded(authority, "db.pem")
    found, issuer = certificate.extensions, loaded(authority, "ca.pem")
    names = found.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == ["interlock:db"]
    assert names.get_values_for_type(x509.DNSName) == ["db1.example.org"]
    assert told.hosts == ("db1.example.org", "10.0.0.7", "::1")
    assert certificate.subject.rfc4514_string() == "CN=db"
    assert not found.get_extension_for_class(x509.BasicConstraints).value.ca
    assert list(found.get_extension_for_class(x509.ExtendedKeyUsage).value) == [
        ExtendedKeyUsageOID.SERVER_AUTH,
        ExtendedKeyUsageOID.CLIENT_AUTH,
    ]
    ours = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    by = found.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert by.key_identifier == ours.digest
    certificate.verify_directly_issued_by(issuer)
    assert timedelta(hours=-1) <= told.valid_from - before <= timedelta(minutes=-50)
    assert told.valid_until - told.valid_from == timedelta(days=365, hours=1)
    assert (told.serial, told.name) == (certificate.serial_number, "db")


def test_a_key_s_file_has_the_key_and_its_certificate(authority: Authority) -> None:
    """Of one make: P-256, which every TLS 1.3 speaks."""
    data = (authority.directory / "hub.key").read_bytes()
    key = load_pem_private_key(data, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
    assert x509.load_pem_x509_certificate(data) == loaded(authority, "hub.pem")
    assert key.public_key() == loaded(authority, "hub.pem").public_key()


def test_what_is_private_is_for_its_owner_alone(authority: Authority) -> None:
    """Whatever the umask; and git is told to leave it alone."""
    directory = authority.directory
    assert mode(directory) == mode(directory / "issued") == 0o700
    assert {mode(file) for file in directory.glob("*.key")} == {0o600}
    assert (directory / ".gitignore").read_text() == "*\n"


def test_an_authority_is_never_overwritten(authority: Authority) -> None:
    """Nor where only its certificate is, as on the machines that were given it."""
    files = {file: file.read_bytes() for file in authority.directory.glob("*.*")}
    with pytest.raises(KeysExist, match="give another directory"):
        Authority.create(authority.directory)
    assert {file: file.read_bytes() for file in authority.directory.glob("*.*")} == files
    (authority.directory / "ca.key").unlink()
    with pytest.raises(KeysExist):
        Authority.create(authority.directory)


def test_an_authority_is_not_made_where_others_may_enter(tmp_path: Path) -> None:
    """The error says what to do, and doing it helps; a file in its place is told too."""
    place = tmp_path / "keys"
    place.mkdir(mode=0o755)
    with pytest.raises(KeysExposed, match=r"mode 0755.*chmod 700"):
        Authority.create(place)
    place.chmod(0o700)
    Authority.create(place)
    (tmp_path / "file").touch()
    for file in (tmp_path / "file", tmp_path / "file" / "keys"):
        with pytest.raises(KeysExist, match="no directory"):
            Authority.create(file)


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../x",
        "a/b",
        "/etc/x",
        "a\0",
        "a\n",
        "-x",
        ".x",
        "é",
        "a b",
        "x" * 65,
        "a%2f",
    ],
)
def test_a_name_that_could_lead_elsewhere_is_refused(authority: Authority, name: str) -> None:
    """And writes nothing, neither here nor there."""
    before = sorted(authority.directory.parent.rglob("*"))
    for ask in (authority.issue, authority.revoke):
        with pytest.raises(KeysRefused, match="such as worker-1"):
            ask(name)
    assert sorted(authority.directory.parent.rglob("*")) == before


@pytest.mark.parametrize("name", ["ca", "CA", "crl"])
def test_the_authority_s_own_names_are_kept(authority: Authority, name: str) -> None:
    """Their files are its certificate and its list."""
    with pytest.raises(KeysRefused, match="kept for the authority"):
        authority.issue(name)


@pytest.mark.parametrize("name", ["a", "x" * 64, "worker-1", "db_1.example.org", "7"])
def test_other_names_are_given(authority: Authority, name: str) -> None:
    """Up to 64 characters, as a common name has them."""
    assert authority.issue(name).certificate.name == name
    assert (authority.directory / f"{name}.key").is_file()


@pytest.mark.parametrize(
    "host",
    ["", "a:1", "*.example.org", "a b", "-a", "a-", "a..b", "a.", "1.2.3", "1.2.3.256",
     "fe80::1%lo", "x" * 64, "é.org", "a/b", ".".join(["a" * 60] * 5)],
)  # fmt: skip
def test_a_host_that_is_none_is_refused(authority: Authority, host: str) -> None:
    """With what would be one."""
    with pytest.raises(KeysRefused, match=r"such as db1\.example\.org or 10\.0\.0\.7"):
        authority.issue("db", ["fine.example.org", host])
    assert not (authority.directory / "db.key").exists()


def test_there_is_a_limit_to_hosts_and_days(authority: Authority) -> None:
    """100 hosts, and 100 years."""
    many = [f"host{each}" for each in range(101)]
    with pytest.raises(KeysRefused, match="at most 100"):
        authority.issue("db", many)
    assert authority.issue("db", many[:100]).certificate.hosts == tuple(many[:100])
    for days in (0, -1, 36_501):
        with pytest.raises(KeysRefused, match="from 1 to 36500"):
            authority.issue("db", days=days)
        with pytest.raises(KeysRefused, match="from 1 to 36500"):
            Authority.create(authority.directory / "new", days)


def test_a_certificate_ends_with_its_authority(tmp_path: Path) -> None:
    """What it signed for longer would be refused anyway, and nothing begins after its end."""
    authority = Authority.create(tmp_path / "keys", days=10)
    end = authority.certificate.valid_until
    assert authority.issue("db").certificate.valid_until == end
    assert authority.issue("db", days=9).certificate.valid_until < end
    with pytest.raises(KeysRefused, match="is valid only until"):
        authority.issue("db", start=end)


def test_a_renewal_has_a_new_key_and_leaves_the_old_one_valid(authority: Authority) -> None:
    """The same hosts, unless others are given."""
    key = (authority.directory / "hub.key").read_bytes()
    (old,) = (each for each in authority.certificates() if each.name == "hub")
    renewed = authority.issue("hub")
    new = renewed.certificate
    assert new.serial != old.serial and new.hosts == old.hosts == ("localhost", "127.0.0.1")
    assert [each.serial for each in renewed.still_valid] == [old.serial]
    assert (authority.directory / "hub.key").read_bytes()[:200] != key[:200]
    hub = [each for each in authority.certificates() if each.name == "hub"]
    assert [(each.serial, each.current) for each in hub] == [
        (new.serial, True),
        (old.serial, False),
    ]
    assert all(each.is_usable(datetime.now(UTC)) for each in hub)
    assert authority.issue("hub", ["db.example.org"]).certificate.hosts == ("db.example.org",)
    assert authority.issue("hub", []).certificate.hosts == ()


def test_a_renewal_revokes_all_older_ones_on_demand(authority: Authority) -> None:
    """Those, and no others; once."""
    first = authority.issue("hub").still_valid[0].serial
    renewed = authority.issue("hub", revoke_old=True)
    assert len(renewed.revoked) == 2 and first in {each.serial for each in renewed.revoked}
    assert renewed.still_valid == ()
    revoked = {each.serial for each in authority.certificates() if each.revoked}
    assert revoked == {each.serial for each in renewed.revoked}
    assert {each.serial_number for each in listed(authority)} == revoked
    again = authority.issue("hub", revoke_old=True)
    assert [each.serial for each in again.revoked] == [renewed.certificate.serial]


def test_a_revocation_reaches_the_replaced_ones_too(authority: Authority) -> None:
    """A key that was stolen before the last renewal is worth nothing after it."""
    authority.issue("hub")
    assert len(authority.revoke("hub")) == 2
    state = {(each.name, each.state(datetime.now(UTC))) for each in authority.certificates()}
    assert state == {("hub", "revoked"), ("worker", "valid")}
    assert authority.revoke("hub") == ()
    fresh = authority.issue("hub")
    assert fresh.certificate.hosts == ("localhost", "127.0.0.1")
    assert len(authority.revoke("hub")) == 1


def test_the_states_of_a_certificate(authority: Authority) -> None:
    """By its times, and revoked before all."""
    now = datetime.now(UTC)
    cases = {"valid": (0, 40), "expiring": (0, 30), "expired": (-3, 2), "not yet valid": (2, 2)}
    for state, (start, days) in cases.items():
        made = authority.issue("x", start=now + timedelta(days=start), days=days).certificate
        assert made.state(now) == state
        assert made.is_usable(now) == (state in ("valid", "expiring"))
    authority.revoke("x")
    assert {each.state(now) for each in authority.certificates() if each.name == "x"} == {"revoked"}


def test_a_name_that_was_never_issued_is_told_with_one_that_was(authority: Authority) -> None:
    """P6: what may have been meant."""
    with pytest.raises(KeysNotFound, match=r"did you mean worker\?"):
        authority.revoke("works")
    with pytest.raises(KeysNotFound, match="show` lists the names"):
        authority.revoke("zzz")


def test_an_authority_s_key_that_others_may_read_signs_nothing(authority: Authority) -> None:
    """But what is exposed of a name can be revoked, and issued anew."""
    (authority.directory / "ca.key").chmod(0o644)
    for ask in (authority.issue, authority.revoke):
        with pytest.raises(KeysExposed, match=r"ca\.key.*mode 0644.*chmod 600"):
            ask("hub")
    (authority.directory / "ca.key").chmod(0o600)
    (authority.directory / "hub.key").chmod(0o644)
    assert len(authority.revoke("hub")) == 1
    authority.issue("hub")
    assert mode(authority.directory / "hub.key") == 0o600


def test_without_the_authority_s_key_there_is_only_looking(authority: Authority) -> None:
    """As on a machine that was given the files of one name."""
    for file in ("ca.key", "worker.key", "worker.pem", "hub.pem"):
        (authority.directory / file).unlink()
    for kept in (authority.directory / "issued").iterdir():
        kept.unlink()
    (authority.directory / "issued").rmdir()
    there = Authority(authority.directory)
    assert [each.name for each in there.certificates()] == ["hub"]
    for ask in (there.issue, there.revoke):
        with pytest.raises(KeysNotFound, match="nothing can be signed there"):
            ask("hub")


def test_files_that_do_not_belong_together_are_told(authority: Authority, tmp_path: Path) -> None:
    """P6: which, and what to do; and a name whose own files are damaged can be made anew."""
    other = Authority.create(tmp_path / "other")
    keys, lists = ("ca.key", "crl.pem")
    for file, said in ((keys, "is not the key of the authority"), (lists, "is not signed by")):
        ours = (authority.directory / file).read_bytes()
        (authority.directory / file).write_bytes((other.directory / file).read_bytes())
        with pytest.raises(KeysDamaged, match=said):
            authority.issue("hub")
        (authority.directory / file).write_bytes(ours[:90])
        with pytest.raises(KeysDamaged, match="holds no"):
            authority.issue("hub")
        (authority.directory / file).write_bytes(ours)
    (authority.directory / "hub.key").write_bytes(b"")
    with pytest.raises(KeysDamaged, match=r"hub\.key"):
        authority.certificates()
    authority.issue("hub", ["localhost"])
    assert len(authority.revoke("hub")) == 2


def test_a_lost_revocation_list_is_not_made_anew(authority: Authority) -> None:
    """An empty one would let in whoever was revoked."""
    authority.revoke("worker")
    (authority.directory / "crl.pem").unlink()
    for ask in (authority.issue, authority.revoke):
        with pytest.raises(KeysNotFound, match=r"there is no crl\.pem"):
            ask("hub")


def test_the_revocation_list_is_signed_anew_each_time(authority: Authority) -> None:
    """With a number that grows, and never due before its authority ends."""
    before = number(authority)
    authority.issue("db")
    authority.revoke("db")
    assert number(authority) == before + 2
    assert listed(authority).next_update_utc == authority.certificate.valid_until


def test_where_there_is_none_it_is_said_how_to_make_one(tmp_path: Path) -> None:
    """An empty directory, and none."""
    for place in (tmp_path, tmp_path / "absent"):
        with pytest.raises(KeysNotFound, match="interlock keys init"):
            Authority(place)


def test_certificates_of_others_are_not_counted_as_ours(
    authority: Authority, tmp_path: Path
) -> None:
    """Whatever else lies in the directory."""
    other = Authority.create(tmp_path / "other")
    other.issue("stranger")
    for file in ("stranger.pem", "stranger.key"):
        (authority.directory / file).write_bytes((other.directory / file).read_bytes())
    assert [each.name for each in authority.certificates()] == ["hub", "worker"]
    with pytest.raises(KeysNotFound):
        authority.revoke("stranger")


def test_without_its_extra_it_is_said_what_to_install(authority: Authority) -> None:
    """`pip install interlock` brings no cryptography; contexts alone need none."""
    program = (
        "import json, sys; sys.modules['cryptography'] = None\n"
        "from interlock.errors import MissingDependency\n"
        "from interlock.managers import tls\n"
        f"tls.server_context({str(authority.directory)!r}, 'hub')\n"
        "try:\n    from interlock.managers.keys import Authority\n"
        "except MissingDependency as error:\n    print(json.dumps(str(error)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=BOUND_S, check=True
    )
    assert "pip install 'interlock[net]'" in json.loads(done.stdout)
