"""The networks of these tests: what they do to packets, and that nothing stays behind."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from tests.hosts.names import ip, namespace, sweep
from tests.hosts.network import Network, Poor
from tests.managers.waiting import BOUND_S

_ECHO = """
import socket, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.bind((sys.argv[1], 9))
    print("there", flush=True)
    while True:
        data, sender = sock.recvfrom(100)
        sock.sendto(data, sender)
"""
_ASK = """
import socket, sys, time
taken = []
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.settimeout(float(sys.argv[2]))
    for number in range(int(sys.argv[3])):
        began = time.monotonic()
        sock.sendto(b"%d" % number, (sys.argv[1], 9))
        try:
            while sock.recv(100) != b"%d" % number:
                pass
            taken.append(time.monotonic() - began)
        except TimeoutError:
            pass
print(len(taken), min(taken, default=0))
"""


def ask(network: Network, host: str, patience_s: float, count: int) -> tuple[int, float]:
    """How many of so many datagrams came back from the hub, and the shortest time."""
    arguments = (network.addresses["hub"], str(patience_s), str(count))
    done = subprocess.run(
        network.command(host, "-c", _ASK, *arguments),
        check=True, capture_output=True, text=True, timeout=BOUND_S,
    )  # fmt: skip
    came, shortest = done.stdout.split()
    return int(came), float(shortest)


@pytest.mark.parametrize("is_poor", [False, True])
def test_datagrams_come_back_unless_the_cable_is_cut_or_poor(is_poor: bool) -> None:
    """A cable of 10 % loss and 50 ms, each way, and a good one beside it."""
    poor = {"east": Poor(loss=0.1, delay_s=0.05)} if is_poor else {}
    with Network("hub", "east", "west", poor=poor) as network:
        echo = network.start("hub", "-c", _ECHO, network.addresses["hub"])
        try:
            assert echo.stdout is not None
            assert echo.stdout.readline() == "there\n"
            assert ask(network, "west", 2.0, 20)[0] == 20
            network.cut("west")
            assert ask(network, "west", 0.2, 3)[0] == 0
            network.restore("west")
            assert ask(network, "west", 2.0, 20)[0] > 0
            came, shortest_s = ask(network, "east", 0.5, 50)
            if is_poor:
                assert 20 < came < 50  # 81 % on average
                assert shortest_s >= 0.1
                assert network.dropped("east") > 0
            else:
                assert came == 50
        finally:
            for stream in (echo.stdin, echo.stdout):
                assert stream is not None
                stream.close()
            echo.kill()
            echo.wait(BOUND_S)


def test_nothing_stays_behind() -> None:
    """P5: neither namespaces nor what ran in them, when the block has ended by an error."""
    with pytest.raises(KeyError):
        with Network("hub") as network:
            process = network.start("hub", "-c", "print('there', flush=True); input()")
            assert process.stdout is not None
            assert process.stdout.readline() == "there\n"
            assert ip("netns", "pids", namespace("hub")).split() == [str(process.pid)]
            raise KeyError
    with process:
        assert process.wait(BOUND_S) == -signal.SIGKILL
    assert namespace("hub") not in ip("netns", "list")


_KILLED = """
import os, signal
from tests.hosts.names import namespace
from tests.hosts.network import Network
with Network("hub"):
    print(namespace("hub"), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_run_has_left_is_cleared_away() -> None:
    """P5: by the next, which leaves alone what belongs to a run that lives."""
    with Network("hub"):
        done = subprocess.run(
            [sys.executable, "-c", _KILLED],
            check=False, capture_output=True, text=True, timeout=BOUND_S,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
        assert done.returncode == -signal.SIGKILL
        name = done.stdout.strip()
        assert name in ip("netns", "list")
        assert name in sweep()
        assert namespace("hub") in ip("netns", "list")
        assert name not in ip("netns", "list")
