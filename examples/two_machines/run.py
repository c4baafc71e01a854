"""A server, two workers and a client on three machines, whose cables are pulled out meanwhile.

    python run.py [--files COUNT]        as root, on Linux with iproute2

The machines are network namespaces. The workers parse sources of the standard library that are
on the first machine. Exit status 0: what they found is what is found without any network.
"""

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from client import total
from machines import Machines
from parse_source import describe
from stdlib_sources import sources

from interlock.managers.keys import Authority

HERE = Path(__file__).resolve().parent
HEARTBEAT_S, GRACE_S = 1.0, 5.0
A_MOMENT_S = 3.0  # the connection is given up, the session is not
LONG_S = 3 * HEARTBEAT_S + GRACE_S + 1.0  # the session is given up as well


def make_keys(folder, address):
    """A certificate for each machine, and for each a folder with what it needs and no more."""
    authority = Authority.create(folder / "authority")
    authority.issue("hub", [address])
    for name in ("east", "west"):
        authority.issue(name)
    for name in ("hub", "east", "west"):
        (folder / name).mkdir(mode=0o700)
        for file in ("ca.pem", "crl.pem", f"{name}.key"):
            shutil.copy(folder / "authority" / file, folder / name / file)


def show_errors(log):
    """Pass on what a server logs, but for what it has to do with every day."""
    for line in log:
        if " INFO " not in line:
            print(line, end="", file=sys.stderr)


class Scene:
    """What runs where."""

    def __init__(self, machines, keys, count):
        self._machines, self._keys = machines, keys
        self._address = f"{machines.addresses['hub']}:7000"
        self.hub = self._serve()
        self.workers = [self._start(name, "worker.py") for name in ("east", "west")]
        self.client = self._start(
            "east", "client.py", "--files", str(count), stdout=subprocess.PIPE
        )

    def _serve(self):
        times = ("--heartbeat", str(HEARTBEAT_S), "--grace", str(GRACE_S))
        where = ("--tls", str(self._keys / "hub"), "--name", "hub", "--address", self._address)
        environment = os.environ | {"FOLDER": sysconfig.get_path("stdlib")}
        hub = self._machines.start(
            "hub", "-m", "interlock", "serve", "files:Hub", *where, *times,
            cwd=HERE, env=environment, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        print("hub:", hub.stderr.readline().partition("interlock.serve: ")[2], end="", flush=True)
        threading.Thread(target=show_errors, args=(hub.stderr,)).start()
        return hub

    def _start(self, name, program, *arguments, **options):
        common = ("--keys", str(self._keys / name), "--name", name, "--address", self._address)
        return self._machines.start(name, HERE / program, *common, *arguments, text=True, **options)

    def wait_for(self, count):
        """Until so many files are described; how many it were then."""
        for line in self.client.stdout:
            if int(line.split()[0]) >= count:
                return line.strip()
        raise SystemExit("the client ended too early")


def pull_cables(machines, scene, count):
    """For a moment those of all, for a moment one's, and one's for longer; when that was."""
    for part, names in ((1, ("east", "west")), (2, ("west",))):
        came = scene.wait_for(part * count // 5)
        machines.cut(*names)
        print(f"{came}: the cable of {' and '.join(names)} is pulled out", flush=True)
        threading.Event().wait(A_MOMENT_S)
        machines.restore(*names)
        print(f"after {A_MOMENT_S:.0f} s it is back", flush=True)
    came = scene.wait_for(3 * count // 5)
    machines.cut("west")
    print(f"{came}: the cable of west is pulled out, and stays out", flush=True)
    return time.monotonic()


def main(count):
    """Let them work; True if what they found is right."""
    with tempfile.TemporaryDirectory() as made, Machines("hub", "east", "west") as machines:
        folder = Path(made)
        make_keys(folder, machines.addresses["hub"])
        scene = Scene(machines, folder, count)
        cut_s = pull_cables(machines, scene, count)
        *_, last = scene.client.stdout
        found = json.loads(last)
        threading.Event().wait(max(0.0, cut_s + LONG_S - time.monotonic()))
        machines.restore("west")
        print("all files are described, and the cable of west is back", flush=True)
        for worker in scene.workers:
            worker.wait(60)
        scene.hub.terminate()
        scene.hub.wait(60)
    print(f"files that were given to a second worker: {found.pop('given again')}")
    print("found:   ", found)
    paths = itertools.islice(sources(sysconfig.get_path("stdlib")), count)
    expected = total([describe(path) for path in paths])
    print("expected:", expected)
    return found == expected


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=500, help="how many files (default 500)")
    sys.exit(0 if main(parser.parse_args().files) else 1)
