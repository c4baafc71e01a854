"""`interlock keys`: what is printed, what is written, and the exit status."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from interlock.cli.commands import app
from interlock.cli.keys import told
from interlock.cli.main import status_of
from interlock.managers.keys import Authority

BOUND_S = 60.0


def keys(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "interlock", "keys", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


@pytest.fixture
def made(tmp_path: Path) -> Path:
    """A folder in which `interlock keys init` was run, and two names were issued."""
    authority = Authority.create(tmp_path / "keys")
    authority.issue("hub", ["localhost", "10.0.0.7"])
    authority.issue("worker", days=20)
    return tmp_path


def test_from_nothing_to_a_name(tmp_path: Path) -> None:
    """`init`, then `issue`: the files, and what to copy where."""
    done = keys("init", "--days", "100", cwd=tmp_path)
    day = f"{datetime.now(UTC) + timedelta(days=100):%Y-%m-%d}"
    assert (done.returncode, done.stderr) == (0, "")
    assert f"An authority is in keys, valid until {day}." in done.stdout.splitlines()
    done = keys("issue", "db", "--host", "db.example.org", "--host", "::1", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Hosts: db.example.org, ::1." in done.stdout.splitlines()
    assert "Copy db.key, ca.pem and crl.pem from keys" in done.stdout
    assert "ca.key" not in done.stdout
    (found,) = Authority(tmp_path / "keys").certificates()
    assert (found.name, found.hosts) == ("db", ("db.example.org", "::1"))


def test_a_renewal_says_what_remains_valid_and_what_is_revoked(made: Path) -> None:
    """With --revoke-old and without."""
    done = keys("issue", "hub", cwd=made)
    assert done.returncode == 0
    assert "Hosts: localhost, 10.0.0.7." in done.stdout
    assert "remains valid until" in done.stdout and "--revoke-old" in done.stdout
    done = keys("issue", "hub", "--revoke-old", "--days", "7", cwd=made)
    assert done.returncode == 0
    assert done.stdout.count("is revoked") == 2 and "remains valid" not in done.stdout
    assert "its new crl.pem to all" in done.stdout
    assert len(Authority(made / "keys").revoke("hub")) == 1


def test_a_revocation_says_what_to_copy(made: Path) -> None:
    """And the second time that there was nothing to do."""
    done = keys("revoke", "hub", cwd=made)
    assert (done.returncode, done.stderr) == (0, "")
    assert "is revoked" in done.stdout and "Copy crl.pem" in done.stdout
    again = keys("revoke", "hub", cwd=made)
    assert (again.returncode, again.stderr) == (0, "")
    assert again.stdout == "Every certificate of hub was revoked before.\n"


def test_the_table_has_names_serials_hosts_times_and_states(made: Path) -> None:
    """Of a name its current certificate, and older ones that are still valid."""
    authority = Authority(made / "keys")
    authority.issue("hub")
    authority.issue("old", days=1, start=datetime.now(UTC) - timedelta(days=3))
    authority.revoke("worker")
    authority.issue("worker", days=12, start=datetime.now(UTC) + timedelta(minutes=5))
    authority.issue("gone")
    authority.revoke("gone")
    done = keys("show", cwd=made)
    assert (done.returncode, done.stderr) == (0, "")
    head, *rows = (line.rstrip() for line in done.stdout.splitlines())
    assert head.split() == ["name", "serial", "hosts", "from", "until", "state"]
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    assert [(row.split()[0], row.rsplit("  ", 1)[1].lstrip()) for row in rows] == [
        ("(the", "valid"),
        ("gone", f"revoked {today}"),
        ("hub", "valid"),
        ("hub", "valid, replaced"),
        ("old", "expired"),
        ("worker", "expires in 12 days"),
    ]
    assert "localhost, 10.0.0.7" in rows[2]
    everything = keys("show", "--all", cwd=made).stdout
    assert len(everything.splitlines()) == len(rows) + 2
    assert f"revoked {today}, replaced" in everything


def test_json_is_one_object_with_everything(made: Path) -> None:
    """For programs: whole serials, times with their zone."""
    Authority(made / "keys").revoke("worker")
    done = keys("show", "--json", cwd=made)
    assert (done.returncode, done.stderr) == (0, "")
    told_of = json.loads(done.stdout)
    hub, worker = told_of["certificates"]
    known = {each.name: each for each in Authority(made / "keys").certificates()}
    assert (hub["name"], hub["hosts"], hub["state"]) == ("hub", ["localhost", "10.0.0.7"], "valid")
    assert int(hub["serial"], 16) == known["hub"].serial
    assert datetime.fromisoformat(hub["until"]) == known["hub"].valid_until
    assert datetime.fromisoformat(hub["from"]) == known["hub"].valid_from
    assert (hub["days_left"], hub["revoked"], hub["current"]) == (364, None, True)
    assert worker["state"] == "revoked"
    assert datetime.fromisoformat(worker["revoked"]) == known["worker"].revoked
    assert told_of["authority"]["state"] == "valid" and told_of["directory"] == "keys"


def test_the_directory_may_be_named_or_in_the_environment(made: Path, tmp_path: Path) -> None:
    """--dir before INTERLOCK_KEYS before ./keys."""
    elsewhere = tmp_path / "elsewhere"
    assert keys("init", "--dir", str(elsewhere), cwd=made).returncode == 0
    shown = keys("show", "--json", cwd=made, INTERLOCK_KEYS=str(elsewhere)).stdout
    assert json.loads(shown)["certificates"] == []
    shown = keys("show", "--json", "--dir", "keys", cwd=made, INTERLOCK_KEYS=str(elsewhere)).stdout
    assert len(json.loads(shown)["certificates"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("init",), "there is an authority in 'keys' already"),
        (("init", "--dir", "new", "--days", "soon"), "--days soon: give a whole number"),
        (("init", "--dir", "new", "--days", "0"), "give a number from 1 to 36500, such as 365"),
        (("init", "--dir", "open"), "close it with `chmod 700 open`"),
        (("init", "--dir", "file"), "is no directory; give another name"),
        (("issue",), "NAME is missing; give one, such as `interlock keys issue worker-1`"),
        (("issue", "../hub"), "cannot be the name of a certificate; give 1 to 64 of"),
        (("issue", "ca"), "kept for the authority's own files; give another"),
        (("issue", "db", "--host", "db:5000"), "give one of them, without a port or a pattern"),
        (("issue", "db", "--days", "1.5"), "--days 1.5: give a whole number from 1 to 36500"),
        (("issue", "db", "--days", "99999"), "give a number from 1 to 36500"),
        (("issue", "db", "--dir", "absent"), "make one with `interlock keys init`"),
        (("issue", "db", "more"), "unexpected extra argument"),
        (("issue", "db", "--hots", "a"), "Possible options: --host"),
        (("revoke",), "NAME is missing; give one of those that `interlock keys show` lists"),
        (("revoke", "hup"), "did you mean hub?"),
        (("revoke", "/etc"), "cannot be the name of a certificate"),
        (("show", "--dir", "absent"), "make one with `interlock keys init`"),
        (("show", "--dir", "file"), "there is no authority in 'file'"),
        (("list",), "No such command 'list'"),
    ],
)
def test_wrong_use_ends_with_status_2_and_one_sentence(
    arguments: tuple[str, ...],
    said: str,
    made: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """What to write instead; and nothing is written meanwhile. In this process: there are many."""
    (made / "open").mkdir(mode=0o755)
    (made / "file").touch()
    before = {path: path.stat().st_mtime_ns for path in made.rglob("*")}
    monkeypatch.chdir(made)
    monkeypatch.setattr(sys, "argv", ["interlock", "keys", *arguments])
    assert status_of(app) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.startswith("interlock keys") and err.count("\n") == 1
    assert said in err
    assert {path: path.stat().st_mtime_ns for path in made.rglob("*")} == before


def test_keys_that_others_may_read_are_wrong_use(made: Path) -> None:
    """With the command that closes them."""
    (made / "keys" / "ca.key").chmod(0o640)
    done = keys("issue", "db", cwd=made)
    assert (done.returncode, done.stdout) == (2, "")
    assert "`chmod 600 keys/ca.key`" in done.stderr and done.stderr.count("\n") == 1


def test_what_the_system_refuses_is_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    """Status 1: a disk that is full, a directory of somebody else's."""
    import typer

    with pytest.raises(typer.Exit) as ended:
        with told("issue"):
            raise OSError(28, "No space left on device", "keys/db.key")
    assert ended.value.exit_code == 1
    said = capsys.readouterr().err
    assert said.startswith(
        "interlock keys issue: 'keys/db.key' cannot be read or written (No space"
    )
    with pytest.raises(typer.Exit) as ended:
        with told("issue"):
            raise KeyboardInterrupt
    assert ended.value.exit_code == 130


def test_without_its_extra_the_command_says_what_to_install(tmp_path: Path) -> None:
    """The help needs none."""
    program = (
        "import sys; sys.modules['cryptography'] = None; sys.argv[0] = 'interlock'\n"
        "from interlock.cli.main import main; main()"
    )
    command = [sys.executable, "-c", program, "keys"]
    done = subprocess.run(
        [*command, "init"], cwd=tmp_path, capture_output=True, text=True, timeout=BOUND_S
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert "pip install 'interlock[net]'" in done.stderr and done.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
    helped = subprocess.run([*command, "--help"], capture_output=True, timeout=BOUND_S)
    assert helped.returncode == 0


def test_other_commands_do_not_load_cryptography() -> None:
    """It takes long, and may not be there."""
    program = (
        "import sys; import interlock.cli.commands\n"
        "assert not {'cryptography', 'ssl', 'interlock.managers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", program], timeout=BOUND_S, check=True)


def test_the_help_tells_the_options_and_the_exit_status(tmp_path: Path) -> None:
    """Of each command, all of them."""
    whole = keys("--help", cwd=tmp_path).stdout
    for command, options in (
        ("init", "--dir --days"),
        ("issue", "NAME --host --days --revoke-old --dir"),
        ("revoke", "NAME --dir"),
        ("show", "--dir --all --json"),
    ):
        done = keys(command, "--help", cwd=tmp_path)
        assert done.returncode == 0 and command in whole
        for word in (*options.split(), "Exit status"):
            assert word in done.stdout
