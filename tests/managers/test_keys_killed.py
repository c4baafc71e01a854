"""P2 for files: writers of keys may be killed between any two steps, and may be several."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from interlock.errors import KeysBusy, KeysNotFound
from interlock.managers.keys import Authority, files
from interlock.managers.tls import client_context, server_context
from tests.managers.ends import in_memory

BOUND_S = 60.0
STEPS = ("open", "fchmod", "fsync", "rename", "mkdir")  # of `os`, in managers/keys/files.py

Change = Callable[[Path], object]
CHANGES: dict[str, Change] = {
    "issue a new name": lambda keys: Authority(keys).issue("new", ["localhost"]),
    "renew": lambda keys: Authority(keys).issue("hub"),
    "renew and revoke": lambda keys: Authority(keys).issue("hub", revoke_old=True),
    "revoke": lambda keys: Authority(keys).revoke("hub"),
}


def killed_at(step: int, change: Change, keys: Path) -> bool:
    """Make a change in a process that dies before its step of that number; False if it ended."""
    child = os.fork()
    if child == 0:
        left = iter(range(step))

        def dying(call: Callable[..., object]) -> Callable[..., object]:
            def before(*args: object, **options: object) -> object:
                if next(left, None) is None:
                    os.kill(os.getpid(), signal.SIGKILL)
                return call(*args, **options)

            return before

        for name in STEPS:
            setattr(os, name, dying(getattr(os, name)))
        try:
            change(keys)
        except BaseException:
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert status in (0, signal.SIGKILL), f"step {step}: {status}"
    return status != 0


def every_death(change: Change, prepared: Path, scratch: Path) -> Iterator[Path]:
    """The directory as each death leaves it, and at last as it is when nobody dies."""
    for step in range(200):
        keys = scratch / f"{step}"
        if prepared.exists():
            shutil.copytree(prepared, keys)
        died = killed_at(step, change, keys)
        yield keys
        if not died:
            assert step > 10, "the steps were not seen"
            return
    raise AssertionError("there is no end to the steps")


def is_whole(keys: Path, name: str) -> bool:
    """Whether a name has a key and a certificate that belong together; it may not have half."""
    if not (keys / f"{name}.key").exists():
        return False
    server_context(keys, name)
    data = (keys / f"{name}.key").read_bytes()
    key, certificate = load_pem_private_key(data, None), x509.load_pem_x509_certificate(data)
    assert key.public_key() == certificate.public_key()
    return True


@pytest.mark.parametrize("change", CHANGES)
def test_a_death_leaves_the_old_keys_or_the_new_ones(
    change: str, authority: Authority, tmp_path: Path
) -> None:
    """All names can be used after it, and each certificate in use can be revoked."""
    for keys in every_death(CHANGES[change], authority.directory, tmp_path / "dead"):
        assert is_whole(keys, "hub") and is_whole(keys, "worker")
        is_whole(keys, "new")
        left = Authority(keys)
        known = {each.serial for each in left.certificates()}
        left.issue("worker")  # puts right what the dead one left
        assert known <= {each.serial for each in left.certificates()}
        for key in keys.glob("*.key"):
            kept = x509.load_pem_x509_certificate(key.read_bytes())
            assert x509.load_pem_x509_certificate(key.with_suffix(".pem").read_bytes()) == kept
        assert not [*keys.glob(".*.new"), *keys.glob("issued/.*.new")]
        left.revoke("hub")
        assert {each.name for each in left.certificates() if not each.revoked} <= {"worker", "new"}


def test_a_death_leaves_a_whole_authority_or_none(tmp_path: Path) -> None:
    """Which can then be made."""
    scratch = tmp_path / "dead"
    scratch.mkdir()
    seen = set()
    for keys in every_death(Authority.create, tmp_path / "absent", scratch):
        try:
            authority = Authority(keys)
            seen.add("whole")
        except KeysNotFound:
            authority = Authority.create(keys)
            seen.add("none")
        authority.issue("hub", ["localhost"])
        in_memory(server_context(keys, "hub"), client_context(keys, "hub"))
    assert seen == {"whole", "none"}


def test_several_may_issue_at_once(authority: Authority) -> None:
    """Different names and the same one, in threads that start together: nothing is lost."""
    start = threading.Barrier(6)
    failures: list[BaseException] = []

    def issue(own: str) -> None:
        try:
            start.wait(BOUND_S)
            for name in (own, "same", own, "same"):
                Authority(authority.directory).issue(name, revoke_old=True)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=issue, args=(f"own-{each}",)) for each in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND_S)
    assert not failures and not any(thread.is_alive() for thread in threads)
    found = authority.certificates()
    usable = sorted(each.name for each in found if not each.revoked)
    assert usable == sorted(["hub", "worker", "same", *(f"own-{each}" for each in range(6))])
    assert len(found) == len({each.serial for each in found}) == 2 + 6 * 4
    listed = x509.load_pem_x509_crl((authority.directory / "crl.pem").read_bytes())
    signed = listed.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
    assert signed == 1 + 2 + 6 * 4, "a list that was signed has been overwritten by an older one"
    assert len(listed) == 6 * 4 - 7


def test_several_processes_may_issue_at_once(authority: Authority) -> None:
    """As above, by the command."""
    keys = ("--dir", str(authority.directory))
    command = [sys.executable, "-m", "interlock", "keys", "issue", *keys, "--revoke-old", "same"]
    running = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [each.wait(BOUND_S) for each in running] == [0, 0, 0]
    same = [each for each in authority.certificates() if each.name == "same"]
    assert [each.revoked is None for each in same] == [True, False, False]


def test_one_that_finds_the_directory_taken_does_not_wait_for_ever(authority: Authority) -> None:
    """It says so; who only looks needs no lock."""
    with files.locked(authority.directory):
        with pytest.raises(KeysBusy, match="another process is changing the keys"):
            with files.locked(authority.directory, wait_s=0):
                raise AssertionError("two have the lock")
        assert [each.name for each in authority.certificates()] == ["hub", "worker"]


def test_the_lock_of_a_dead_process_is_free(authority: Authority) -> None:
    """P3: the kernel gives it back."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        fd = os.open(authority.directory, os.O_RDONLY)
        fcntl.flock(fd, fcntl.LOCK_EX)
        os.write(writing, b"!")
        signal.pause()
        os._exit(0)
    os.read(reading, 1)
    with pytest.raises(KeysBusy):
        with files.locked(authority.directory, wait_s=0):
            raise AssertionError("two have the lock")
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with files.locked(authority.directory, wait_s=0):
        assert authority.certificates()
    os.close(reading)
    os.close(writing)
