"""What `import interlock` costs, and what it says where it cannot work."""

from __future__ import annotations

import subprocess
import sys

IMPORTS = {
    "ours": "import interlock",
    "theirs": "import multiprocessing.queues, multiprocessing.synchronize",
}
ROUNDS = 15
FACTOR = 1.3
CLOCKED = """
import time
start = time.perf_counter_ns()
{statement}
print(time.perf_counter_ns() - start)
"""


def python(code: str) -> str:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout


def test_import_takes_little_more_than_the_standard_library_s() -> None:
    """Less than 1.3 times what multiprocessing's queues and locks take; best of many runs."""
    best = dict.fromkeys(IMPORTS, float("inf"))
    for _ in range(ROUNDS):
        for name, statement in IMPORTS.items():
            best[name] = min(best[name], int(python(CLOCKED.format(statement=statement))))
    assert best["ours"] < FACTOR * best["theirs"], best


def test_import_loads_nothing_heavy() -> None:
    """Neither numpy, nor the command line, nor awaiting, nor the network parts, nor advice."""
    heavy = {
        "numpy",
        "typer",
        "rich",
        "anyio",
        "asyncio",
        "ssl",
        "cloudpickle",
        "msgspec",
        "cryptography",
        "matplotlib",
        "interlock.advice",
    }
    loaded = python("import interlock, sys; print(*sys.modules)").split()
    assert heavy.isdisjoint(loaded)


def test_import_elsewhere_says_so_in_one_sentence() -> None:
    """Not Linux: an ImportError that names the platform, and nothing half-imported."""
    said = python(
        "import sys; sys.platform = 'darwin'\n"
        "try:\n"
        "    import interlock\n"
        "except ImportError as error:\n"
        "    print(error)\n"
    )
    assert said.count("\n") == 1
    assert "Linux" in said
    assert "darwin" in said
