"""The files of one machine, for programs on others.

    FOLDER=/path/to/sources interlock serve files:Hub --tls keys --name hub --address HOST:PORT

serves them, beside queues, dicts and locks by name. Who connects to the Hub has the methods of
Files, and a type checker knows them.
"""

import functools
import os
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from stdlib_sources import sources

from interlock.managers import BaseManager, serve


class Files:
    """The Python sources below the folder."""

    def names(self) -> list[str]:
        """All of them, in order."""
        return list(_names(os.environ["FOLDER"]))

    def read(self, name: str) -> bytes:
        """What is in one; of others than those named nothing is told."""
        folder = os.environ["FOLDER"]
        if name not in _names(folder):
            raise FileNotFoundError(f"{name!r} is no file of this server")
        return Path(folder, name).read_bytes()


class Hub(BaseManager):
    """What the server serves, and its clients connect to."""

    files = serve(Files)


@functools.cache
def _names(folder: str) -> dict[str, None]:
    return dict.fromkeys(os.path.relpath(path, folder) for path in sources(folder))
