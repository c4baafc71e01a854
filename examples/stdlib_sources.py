"""List every source file of the running interpreter's standard library, one a line.

Packages installed beside it (`site-packages`, `dist-packages`) are left out.
"""

from __future__ import annotations

import os
import signal
import sys
import sysconfig
from collections.abc import Iterator


def sources(folder: str) -> Iterator[str]:
    """Every `.py` file below `folder`, in a fixed order."""
    for path, folders, files in os.walk(folder):
        folders[:] = sorted(set(folders) - {"site-packages", "dist-packages"})
        for name in sorted(files):
            if name.endswith(".py"):
                yield os.path.join(path, name)


if __name__ == "__main__":
    # Whoever reads the list may stop early; that ends this program without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    for source in sources(sysconfig.get_path("stdlib")):
        sys.stdout.buffer.write(os.fsencode(source) + b"\n")
