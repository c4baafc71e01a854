"""Loads the corpus with the standard loader: `python -m tests.hostile.loaded_by_pickle`.

Each payload in a process of its own, in an empty folder, for a second at the most. Prints by
theme how many there are, and the names of those that reached what they wanted.
"""

from __future__ import annotations

import json
import os
import pickle
import resource
import shutil
import signal
import sys
import tempfile
from contextlib import suppress

from tests.hostile.corpus.themes import THEMES
from tests.hostile.victims import differences, extensions, traces

_REACHED, _MISSED = 7, 0


def reaches(data: bytes) -> bool:
    """Whether the payload does it under `pickle.loads`, here and now."""
    before = traces()
    with suppress(BaseException):  # what it raises after it was done is not asked
        pickle.loads(data)
    with suppress(Exception):
        return bool(differences(before))
    return True  # so much is destroyed that the traces cannot be read


def tried(data: bytes) -> bool:
    """The same in a child, of which nothing is left."""
    folder = tempfile.mkdtemp()
    child = os.fork()
    if child == 0:
        os.chdir(folder)
        signal.alarm(2)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        nowhere = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nowhere, descriptor)
        leave = os._exit
        leave(_REACHED if reaches(data) else _MISSED)
    _, status = os.waitpid(child, 0)
    shutil.rmtree(folder, ignore_errors=True)
    return status != 0 and os.waitstatus_to_exitcode(status) != -signal.SIGALRM


def main() -> None:
    found = {}
    with extensions():
        for theme, payloads in THEMES.items():
            made = list(payloads())
            found[theme] = len(made), [each.name for each in made if tried(each.data)]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
