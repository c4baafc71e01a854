"""The context `dask` on three hosts: a scheduler and two workers, of which one is lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import pytest

from tests.hosts.network import Network
from tests.hosts.remote import BOUND_S, Remote

ADDRESS = "tcp://10.99.0.1:8786"
NOTICED_S = 11  # how soon Dask is to take a silent machine for dead; it allows no less


class Cluster:
    """Dask on the hosts; `killed` says which of them are no more."""

    def __init__(self, network: Network, end: contextlib.ExitStack) -> None:
        self._network = network
        scheduler = ("distributed.cli.dask_scheduler", "--host", "10.99.0.1", "--no-dashboard")
        self._end = end
        self._start("hub", *scheduler)
        self._workers = {
            name: self._start(
                name,
                *("distributed.cli.dask_worker", ADDRESS, "--name", name, "--nthreads", "1"),
                *("--no-nanny", "--no-dashboard", "--host", network.addresses[name]),
            )
            for name in ("east", "west")
        }
        arguments = {"address": ADDRESS}
        self.program = end.enter_context(
            Remote(network, "hub", "tests.hosts.programs.clustered", arguments)
        )

    def _start(self, host: str, *module: str) -> contextlib.ExitStack:
        process = self._network.start(host, "-m", *module)
        end = contextlib.ExitStack()
        for stream in (process.stdin, process.stdout):
            assert stream is not None
            end.callback(stream.close)
        end.callback(process.wait, BOUND_S)
        end.callback(process.kill)
        return self._end.enter_context(end)

    def lose(self, host: str) -> None:
        """As when its power fails: nobody is told."""
        self._network.cut(host)
        self._workers[host].close()


@pytest.fixture
def cluster(network: Network, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """A scheduler and a program on the hub, a worker on each of the others."""
    monkeypatch.setenv("DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP", f"{NOTICED_S}s")
    monkeypatch.setenv("DASK_LOGGING__DISTRIBUTED", "critical")
    with contextlib.ExitStack() as end:
        yield Cluster(network, end)


def test_a_host_is_lost_in_the_middle_of_a_map(cluster: Cluster) -> None:
    """P2, P6: its tasks are run by the other, what it had leased and locked is free."""
    ask = cluster.program
    assert ask("ready") == ["east", "west"]
    assert ask("hold", "west") == 1
    assert ask("begin", 9) == ["east", "west"]
    cluster.lose("west")
    assert ask("finish") == [[number, "east"] for number in range(9)]
    assert ask("take") == ["work", 2, True]
    assert ask("ready") == ["east"]
