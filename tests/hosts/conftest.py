"""Where the kernel lets us make networks, these tests are; elsewhere one line says why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from interlock.managers.keys import Authority
from tests.hosts.network import Network, reason_against
from tests.hosts.scene import Scene

HOSTS = ("hub", "east", "west")
_reason = reason_against()
collect_ignore_glob = [] if _reason is None else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say that there were none."""
    if _reason is not None:
        terminalreporter.write_line(
            f"tests/hosts: not collected, as network namespaces cannot be made here: {_reason}"
        )


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of an authority that has issued for the server, at its address, and for two clients."""
    folder = tmp_path_factory.mktemp("hosts") / "keys"
    authority = Authority.create(folder)
    authority.issue("hub", ["10.99.0.1"])
    authority.issue("east")
    authority.issue("west")
    return folder


@pytest.fixture
def network(request: pytest.FixtureRequest) -> Iterator[Network]:
    """A hub and two others; the parameter, if there is one, says whose cables are poor."""
    with Network(*HOSTS, poor=getattr(request, "param", None)) as network:
        yield network


@pytest.fixture
def scene(network: Network, keys: Path) -> Iterator[Scene]:
    """Programs on the hosts, as the test starts them."""
    with Scene(network, keys) as scene:
        yield scene
