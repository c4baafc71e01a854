"""`interlock serve` by real processes: what it serves, says and returns."""

from __future__ import annotations

import asyncio
import os
import signal
import ssl
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import interlock
from interlock.errors import KeysRefused, ServerGone
from interlock.managers.aio import AsyncClient
from interlock.managers.auth import AuthenticationFailed
from interlock.managers.keys import Authority
from interlock.managers.named.address import address_of, host_and_port, shown
from interlock.managers.tls import Credentials, TlsFailed
from tests.managers.named.processes import KEY, ServerProcess
from tests.managers.waiting import until

BOUND_S = 60.0


def serve(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run it to its end."""
    return subprocess.run(
        [sys.executable, "-m", "interlock", "serve", *arguments],
        cwd=cwd,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=BOUND_S,
        check=False,
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--address", "7400"], "--address 7400: '7400' is no host:port"),
        (["--address", "::1:7400"], "brackets"),
        (["--address", "0.0.0.0:0"], "give --tls DIR"),
        (["--address", "127.0.0.1:0"], "give --tls DIR"),
        (["--tls", "nowhere"], "there is no directory 'nowhere'"),
        (["--grace", "soon"], "--grace soon: give seconds"),
        (["--heartbeat", "0"], "--heartbeat 0: give seconds"),
        (["--max-bytes", "0"], "--max-bytes 0: give a number of bytes"),
        (["--log-level", "loud"], "--log-level loud: give debug"),
        (["--metrics", "here"], "--metrics here: 'here' is no host:port"),
        (["--authkey-file", "none"], "--authkey-file none cannot be read"),
        (["--authkey-file", "short"], "a key has 16 characters at least"),
        (["--authkey-file", "open"], "others may read it"),
        (["nowhere:registry"], "nowhere:registry cannot be had"),
        (["json:dumps"], "json:dumps is of type function"),
        (["json"], "give MODULE:NAME"),
        (["--insecure", "--journal", "open"], "is damaged"),
        (["--frobnicate"], "No such option: --frobnicate"),
    ],
)
def test_wrong_use_is_told_in_one_sentence(tmp_path: Path, arguments: list[str], said: str) -> None:
    """With exit status 2, and nothing was served."""
    for name, mode in (("short", 0o600), ("open", 0o644)):
        (tmp_path / name).write_text("key\n" * (1 if name == "short" else 2000))
        (tmp_path / name).chmod(mode)
    done = serve(*arguments, cwd=tmp_path)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith("interlock serve: ") and said in done.stderr
    assert done.stderr.count("\n") == 1 and "Traceback" not in done.stderr


def test_what_fails_is_status_1(tmp_path: Path) -> None:
    """An address that is taken, a journal that another server has, a folder that is not there."""
    with ServerProcess(tmp_path) as server:
        key = str(tmp_path / "key")
        place = ["--authkey-file", key, "--address"]
        for arguments, said in (
            ([*place, server.address], "address already in use"),
            ([*place, "127.0.0.1:0", "--journal", str(server.journal)], "in another process"),
            ([*place, "127.0.0.1:0", "--journal", "no/where"], "no/where"),
        ):
            done = serve(*arguments, cwd=tmp_path)
            assert (done.returncode, done.stderr.count("\n")) == (1, 1), done.stderr
            assert said in done.stderr


def test_it_serves_over_tls_by_names(tmp_path: Path) -> None:
    """TLS, with a certificate on each side; who was revoked is refused without a restart."""
    authority = Authority.create(tmp_path / "keys")
    authority.issue("server", ["localhost"])
    authority.issue("worker-1")
    folder = tmp_path / "run"
    folder.mkdir()
    server = ServerProcess(folder, "--tls", str(tmp_path / "keys"), "--grace", "1")
    with server:
        address = server.address.replace("127.0.0.1", "localhost")
        options: dict[str, Any] = {"tls": tmp_path / "keys", "name": "worker-1", "authkey": KEY}
        with interlock.connect(address, **options) as connection:
            connection.queue("jobs").put({"job": 1})
            assert connection.queue("jobs").get() == {"job": 1}
        with pytest.raises(OSError, match="does it want TLS"):
            interlock.connect(server.address, authkey=KEY, connect_timeout=5.0)
        with pytest.raises(KeysRefused, match="name="):
            interlock.connect(address, tls=tmp_path / "keys")
        with interlock.connect(address, absent_timeout=1.0, **options) as connection:
            jobs = connection.queue("jobs")
            authority.revoke("worker-1")
            with pytest.raises(ServerGone):
                jobs.get(timeout=BOUND_S)  # who is there is cut, and does not come back
        with pytest.raises(TlsFailed, match="certificate revoked") as refused:
            interlock.connect(address, **options)
        assert isinstance(refused.value, ssl.SSLError)
        with pytest.raises(TlsFailed, match="certificate revoked"):
            asyncio.run(_awaited(address, **options))
        said = "\n".join(line["message"] for line in server.told())
        assert "127.0.0.1" in said and "revoked" in said


async def _awaited(address: str, **options: Any) -> None:
    shown = Credentials(options["tls"], options["name"])
    host, port = address.removeprefix("interlock://").split(":")
    await AsyncClient.connect((host, int(port)), authkey=options["authkey"], ssl=shown)


def test_a_stop_by_tls_answers_what_has_come(tmp_path: Path) -> None:
    """As without TLS; a client goes on at the next start, with its new certificate."""
    authority = Authority.create(tmp_path / "keys")
    authority.issue("server", ["localhost"])
    authority.issue("worker-1")
    folder = tmp_path / "run"
    folder.mkdir()
    with ServerProcess(folder, "--tls", str(tmp_path / "keys")) as server:
        address = server.address.replace("127.0.0.1", "localhost")
        with interlock.connect(
            address, tls=tmp_path / "keys", name="worker-1", authkey=KEY
        ) as connection:
            lock = connection.lock("x")
            lock.acquire()
            assert server.stop(signal.SIGTERM) == 0
            authority.issue("worker-1", revoke_old=True)
            server.start()
            lock.release()


def test_a_key_is_asked_for(tmp_path: Path) -> None:
    """On this machine a key is enough; who has another is refused."""
    with ServerProcess(tmp_path) as server:
        with pytest.raises(AuthenticationFailed):
            interlock.connect(server.address, authkey=b"another key of sixteen")
        with server.connect() as connection:
            connection.dict("d")["a"] = 1


def test_a_registry_of_a_program_is_served_too(tmp_path: Path) -> None:
    """Beside what is there by name."""
    (tmp_path / "shared.py").write_text(
        "from interlock.managers.objects import Registry\n"
        "class Counter:\n"
        "    def __init__(self) -> None: self.n = 0\n"
        "    def add(self, n: int) -> int:\n"
        "        self.n += n\n"
        "        return self.n\n"
        "registry = Registry()\n"
        "registry.register('Counter', Counter)\n"
    )
    with ServerProcess(tmp_path, "shared:registry") as server, server.connect() as connection:
        counter = connection.client.create("Counter")
        assert connection.client.call(counter, "add", 3) == 3
        connection.dict("d")["a"] = 1


def test_a_managers_class_is_served_too(tmp_path: Path) -> None:
    """At the same port, with the proxies of its own; the server is told how soon to beat."""
    (tmp_path / "hub.py").write_text(
        "from interlock.managers import BaseManager, serve\n"
        "class Words:\n"
        "    def shout(self, text: str) -> str:\n"
        "        return text.upper()\n"
        "class Hub(BaseManager):\n"
        "    words = serve(Words)\n"
    )
    program = (
        "import sys\n"
        "from hub import Hub\n"
        "hub = Hub(('127.0.0.1', int(sys.argv[1])), sys.argv[2].encode())\n"
        "hub.connect()\n"
        "print(hub.words().shout('heard'))\n"
    )
    with ServerProcess(tmp_path, "hub:Hub", "--heartbeat", "0.5") as server:
        port = server.address.rpartition(":")[2]
        done = subprocess.run(
            [sys.executable, "-c", program, port, KEY.decode()],
            cwd=tmp_path, capture_output=True, text=True, timeout=BOUND_S, check=True,
        )  # fmt: skip
        assert done.stdout == "HEARD\n"
        with server.connect() as connection:
            connection.dict("d")["a"] = 1
            assert connection.client._board._heartbeat_s == 0.5


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_answers_what_has_come(tmp_path: Path, number: signal.Signals) -> None:
    """Exit status 0; calls that wait for others do not hold it up."""
    with ServerProcess(tmp_path) as server, server.connect(absent_timeout=0.1) as connection:
        queue = connection.queue("q")
        told: list[BaseException] = []

        def wait() -> None:
            try:
                queue.get()
            except Exception as error:
                told.append(error)

        thread = threading.Thread(target=wait)
        thread.start()
        other = connection.dict("d")
        other["a"] = 1
        assert server.stop(number) == 0
        thread.join(BOUND_S)
        assert len(told) == 1
        said = [line["message"] for line in server.told()]
        assert said[-2:] == ["stopping", "stopped"]


def test_logs_are_lines_of_json(tmp_path: Path) -> None:
    """With where it serves, and who was refused."""
    with ServerProcess(tmp_path) as server:
        with pytest.raises(AuthenticationFailed):
            interlock.connect(server.address, authkey=b"another key of sixteen")
        until(lambda: any("refused" in line["message"] for line in server.told()))
        first = server.told()[0]
        assert first["address"] == server.address and first["level"] == "info"
        assert first["logger"] == "interlock.serve" and first["time"].endswith("+00:00")
        assert KEY.decode() not in server.log.read_text("utf-8")


def test_figures_for_prometheus(tmp_path: Path) -> None:
    """What is in each object, connections, and what the journal has written."""
    with ServerProcess(tmp_path, "--metrics", ":0") as server:
        with server.connect() as connection:
            connection.queue("jobs").put_many([1, 2, 3])
            (place,) = (line["metrics"] for line in server.told() if "metrics" in line)
            assert place.startswith("127.0.0.1:")  # nobody else, if no host is said
            with urllib.request.urlopen(f"http://{place}/metrics", timeout=BOUND_S) as page:
                told = page.read().decode()
            lines = told.splitlines()
            assert list(text_string_to_metric_families(told))
        assert 'interlock_object_size{kind="queue",name="jobs",of="ready"} 3.0' in lines
        assert "interlock_connections 1.0" in lines
        assert any(line.startswith("interlock_journal_commits_total ") for line in lines)


def test_metrics_without_their_package(tmp_path: Path) -> None:
    """The extra is named."""
    (tmp_path / "prometheus_client.py").write_text("raise ModuleNotFoundError('no')\n")
    done = serve(
        "--insecure", "--address", "127.0.0.1:0", "--metrics", "127.0.0.1:0", cwd=tmp_path,
        PYTHONPATH=f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}",
    )  # fmt: skip
    assert done.returncode == 1 and "pip install 'interlock[telemetry]'" in done.stderr


def test_addresses() -> None:
    """What is written is what is read."""
    for text, address in (
        ("interlock://db1:7400", ("db1", 7400)),
        ("interlock://[::1]:7400", ("::1", 7400)),
        ("interlock+unix:///run/interlock.sock", "/run/interlock.sock"),
    ):
        assert address_of(text) == address
        assert shown(address_of(text)) == text
    assert host_and_port(":7400") == ("", 7400)
    for wrong in ("http://x:1", "interlock://x", "interlock://x:99999", "interlock+unix://x"):
        with pytest.raises(ValueError, match=r"interlock://host:port|no host:port"):
            interlock.connect(wrong)


def test_the_example_of_a_unit_names_options_that_there_are() -> None:
    """examples/deploy: each option is one of the command."""
    help_text = serve("--help", cwd=Path.cwd()).stdout
    deploy = Path(__file__).resolve().parents[2] / "examples" / "deploy"
    for name in ("interlock.service", "Containerfile"):
        text = (deploy / name).read_text("utf-8")
        options = {word.strip('",[]') for word in text.split() if word.strip('",[]')[:2] == "--"}
        assert len(options) > 3
        for option in options - {"--no-cache-dir", "--system", "--uid", "--dir", "--host", "--now"}:
            assert option in help_text, option
