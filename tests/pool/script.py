"""A script that makes pools under forkserver, with modules beside it."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

LONG_S = 60


HEAD = """
    import os, signal, sys
    import interlock

    def pool(workers):
        return interlock.get_context("forkserver").Pool(workers)
"""


def run(folder: Path, program: str, **modules: str) -> list[str]:
    """What a script says whose modules lie beside it; it is started from elsewhere."""
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    script = folder / "script.py"
    script.write_text(textwrap.dedent(HEAD) + textwrap.dedent(program))
    done = subprocess.run(
        [sys.executable, str(script)],
        cwd="/",
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.split()
