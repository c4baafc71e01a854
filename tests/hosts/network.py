"""Several hosts on one machine: a network namespace each, and cables to a switch.

    hub                  switch                 east
    eth0 10.99.0.1 ----- port1  bridge  port2 ----- eth0 10.99.0.2

The switch is a bridge in a namespace of its own, so that this machine's own network has nothing to
do with it. A cable is a veth pair. Cut, its end at the switch is down: what a host sends is lost,
and neither side is told, as with a cable that somebody pulls out behind the next switch.

A *poor* cable loses and delays packets: by `tc netem` on both of its ends, or, where the kernel has
none, by two TAP interfaces with a program between them (programs/wire.py).

What runs on a host is killed with its maker; a run that was killed itself is cleared away by the
next (names.py).
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.hosts.names import BOUND_S, ip, namespace, remove, sweep

__all__ = ["Network", "Poor", "reason_against"]

_ROOT = Path(__file__).resolve().parent.parent.parent
_SWITCH = "switch"


@dataclass(frozen=True)
class Poor:
    """What a cable does to the packets of each direction.

    Attributes:
        loss: The probability that one is lost.
        delay_s: How long the others take.
        seed: Which are lost, where that can be said.
    """

    loss: float
    delay_s: float
    seed: int = 1


class Network:
    """Hosts that reach each other, within a `with` block.

    Args:
        hosts: Their names.
        poor: Cables that are not good, by the host.

    Raises:
        subprocess.CalledProcessError: The kernel does not permit it.
    """

    def __init__(self, *hosts: str, poor: Mapping[str, Poor] | None = None) -> None:
        self.addresses = {name: f"10.99.0.{number}" for number, name in enumerate(hosts, 1)}
        self._ports = {name: f"port{number}" for number, name in enumerate(hosts, 1)}
        self._poor = dict(poor or {})
        self._wires: dict[str, subprocess.Popen[str]] = {}
        self._netem = False
        self._end = contextlib.ExitStack()

    def __enter__(self) -> Network:
        sweep()
        try:
            for host in (_SWITCH, *self.addresses):
                ip("netns", "add", namespace(host))
                self._end.callback(remove, namespace(host))
                self._in(host, "link", "set", "lo", "up")
            self._in(_SWITCH, "link", "add", "bridge", "type", "bridge")
            self._in(_SWITCH, "link", "set", "bridge", "up")
            self._netem = bool(self._poor) and self._has_netem()
            for host in self.addresses:
                self._connect(host)
        except BaseException:
            self._end.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._end.close()

    def command(self, host: str, *arguments: str) -> list[str]:
        """What runs Python with these arguments on a host, and ends with this process."""
        place = ["ip", "netns", "exec", namespace(host)]
        return ["setpriv", "--pdeathsig", "KILL", *place, sys.executable, *arguments]

    def start(self, host: str, *arguments: str) -> subprocess.Popen[str]:
        """Run Python with these arguments on a host; its end is the caller's business."""
        return subprocess.Popen(
            self.command(host, *arguments),
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def cut(self, host: str) -> None:
        """Pull out a host's cable."""
        self._in(_SWITCH, "link", "set", self._ports[host], "down")

    def restore(self, host: str) -> None:
        """Put it in again."""
        self._in(_SWITCH, "link", "set", self._ports[host], "up")

    def dropped(self, host: str) -> int:
        """How many packets a poor cable has lost; it is of no use any more after that."""
        if host in self._wires:
            said, _ = self._wires[host].communicate("", BOUND_S)
            return int(said)
        return sum(
            int(each["drops"])
            for place, device in ((_SWITCH, self._ports[host]), (host, "eth0"))
            for each in json.loads(_tc(place, "-s", "-j", "qdisc", "show", "dev", device))
        )

    # ---- cables ----------------------------------------------------------------------------------

    def _in(self, host: str, *arguments: str) -> str:
        return ip("-n", namespace(host), *arguments)

    def _connect(self, host: str) -> None:
        port, poor = self._ports[host], self._poor.get(host)
        if poor is not None and not self._netem:
            self._lay_wire(host, poor)
            self._in(_SWITCH, "link", "set", "far", "netns", namespace(host), "name", "eth0")
        else:
            end = ("peer", "name", "eth0", "netns", namespace(host))
            self._in(_SWITCH, "link", "add", port, "type", "veth", *end)
        self._in(_SWITCH, "link", "set", port, "master", "bridge", "up")
        self._in(host, "address", "add", f"{self.addresses[host]}/24", "dev", "eth0")
        self._in(host, "link", "set", "eth0", "up")
        if poor is not None and self._netem:
            bad = ("netem", "delay", f"{poor.delay_s * 1000}ms", "loss", f"{poor.loss * 100}%")
            _tc(_SWITCH, "qdisc", "add", "dev", port, "root", *bad)
            _tc(host, "qdisc", "add", "dev", "eth0", "root", *bad)

    def _has_netem(self) -> bool:
        try:
            _tc(_SWITCH, "qdisc", "add", "dev", "lo", "root", "netem", "delay", "1ms")
        except (subprocess.CalledProcessError, FileNotFoundError):
            return False
        return True

    def _lay_wire(self, host: str, poor: Poor) -> None:
        values = map(str, (poor.loss, poor.delay_s, poor.seed))
        program = ("-m", "tests.hosts.programs.wire", self._ports[host], "far", *values)
        wire = self._wires[host] = self.start(_SWITCH, *program)
        self._end.callback(_end, wire)
        assert wire.stdout is not None
        assert wire.stdout.readline() == "there\n", "the wire did not come up"


def _tc(host: str, *arguments: str) -> str:
    command = ["tc", "-n", namespace(host), *arguments]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=BOUND_S)
    return done.stdout


def _end(process: subprocess.Popen[str]) -> None:
    """At once, whatever it does."""
    process.kill()
    process.wait(BOUND_S)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            with contextlib.suppress(BrokenPipeError):
                stream.close()


def reason_against() -> str | None:
    """Why there can be no network here; None if there can."""
    try:
        with Network("a", "b"):
            return None
    except FileNotFoundError as error:
        return f"{error.filename} is not installed (Debian's iproute2)"
    except subprocess.CalledProcessError as error:
        command = " ".join(map(str, error.cmd))
        return f"`{command}` was refused: {str(error.stderr).strip()}"
