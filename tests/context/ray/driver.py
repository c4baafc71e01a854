"""The process that the tests of this folder run in: it has a cluster of two nodes (and a third
that one of them adds), and a context.

Ray is apart from the process of pytest, which forks in other tests: Ray's threads are not made for
that.
"""

from __future__ import annotations

import importlib
import shutil
import tempfile
from typing import Any

__all__ = ["begin", "end", "run"]

STORE_BYTES = 80 << 20
_cluster: Any = None
_context: Any = None
_folder = ""


def begin() -> str:
    """Start Ray's head and a node on this machine, each a process of its own, and connect."""
    global _cluster, _context, _folder
    from ray.cluster_utils import Cluster

    import interlock

    _folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a short path: sockets are in it
    head = {
        "num_cpus": 1, "object_store_memory": STORE_BYTES, "include_dashboard": False,
        "resources": {"first": 1},
    }  # fmt: skip
    _cluster = Cluster(initialize_head=True, head_node_args={**head, "temp_dir": _folder})
    add_node("second")
    _cluster.wait_for_nodes()
    _context = interlock.get_context("ray", address=_cluster.address, init={"log_to_driver": False})
    return str(_cluster.address)


def add_node(name: str) -> Any:
    """One more machine, as far as Ray sees; it has one of a resource of that name."""
    return _cluster.add_node(
        num_cpus=1, object_store_memory=STORE_BYTES, resources={name: 1}, wait=False
    )


def remove_node(node: Any) -> None:
    """Kill all its processes."""
    _cluster.remove_node(node, allow_graceful=False)


def run(module: str, name: str, arguments: dict[str, Any]) -> None:
    """A test; what it raises goes back to pytest."""
    getattr(importlib.import_module(module), name)(_context, **arguments)


def end() -> None:
    """Stop the cluster."""
    if _context is not None:
        _context.close()
    if _cluster is not None:
        _cluster.shutdown()
    shutil.rmtree(_folder, ignore_errors=True)
