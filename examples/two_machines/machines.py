"""Machines on this machine: network namespaces, and cables between them that can be pulled out.

    hub                        east
    bridge 10.99.0.1 --+------ eth0 10.99.0.2
                       |       west
                       +------ eth0 10.99.0.3

A namespace has no name. It is there as long as something runs in it, and all that runs in one is
killed by the kernel when this program ends, however that happens: so nothing is left behind.
"""

import contextlib
import os
import subprocess
import sys
import threading


def command(*arguments):
    """Run a command to its end; what it says goes where ours does."""
    subprocess.run(arguments, check=True, timeout=30)


class Machines:
    """A hub and others, each with a cable to it; in a `with` block.

    Needs the right to make network namespaces: root has it, and so has
    `unshare --user --map-root-user python ...`, where users may do that.
    """

    def __init__(self, hub, *others):
        self._hub = hub
        self.addresses = {
            name: f"10.99.0.{number}" for number, name in enumerate((hub, *others), 1)
        }
        self._holders = {}
        self._end = contextlib.ExitStack()

    def __enter__(self):
        try:
            for name in self.addresses:
                self._holders[name] = self._hold()
                self._ip(name, "link", "set", "lo", "up")
            self._ip(self._hub, "link", "add", "bridge", "type", "bridge")
            self._address(self._hub, "bridge")
            for name in self.addresses:
                if name != self._hub:
                    self._plug_in(name)
        except BaseException:
            self._end.close()
            raise
        return self

    def __exit__(self, *_):
        self._end.close()

    def start(self, name, *arguments, **options):
        """Run Python with these arguments on a machine; killed when the block ends."""
        place = ("nsenter", "--net", "--target", str(self._holders[name].pid))
        return self._start(*place, sys.executable, *arguments, **options)

    def cut(self, *names):
        """Pull out their cables: what they send is lost, and nobody is told."""
        for name in names:
            self._ip(self._hub, "link", "set", name, "down")

    def restore(self, *names):
        """Put them in again."""
        for name in names:
            self._ip(self._hub, "link", "set", name, "up")

    def _start(self, *arguments, **options):
        process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *arguments], **options)
        self._end.callback(process.wait)
        self._end.callback(process.kill)
        return process

    def _hold(self):
        """A process in a new namespace, which keeps it."""
        holder = self._start("unshare", "--net", "sleep", "infinity")
        ours = os.readlink("/proc/self/ns/net")
        for _ in range(1000):
            if holder.poll() is not None:
                raise PermissionError("network namespaces cannot be made here: run it as root")
            if os.readlink(f"/proc/{holder.pid}/ns/net") != ours:
                return holder
            threading.Event().wait(0.01)
        raise TimeoutError("a namespace was not made")

    def _ip(self, name, *arguments):
        place = ("nsenter", "--net", "--target", str(self._holders[name].pid))
        command(*place, "ip", *arguments)

    def _address(self, name, device):
        self._ip(name, "address", "add", f"{self.addresses[name]}/24", "dev", device)
        self._ip(name, "link", "set", device, "up")

    def _plug_in(self, name):
        end = ("peer", "name", "eth0", "netns", str(self._holders[name].pid))
        self._ip(self._hub, "link", "add", name, "type", "veth", *end)
        self._ip(self._hub, "link", "set", name, "master", "bridge", "up")
        self._address(name, "eth0")
