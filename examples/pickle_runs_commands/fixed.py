"""Bytes from elsewhere are looked at before they are loaded: they run nothing.

    python fixed.py

Exit status 0: the cure was shown. 1: it was not.
"""

import contextlib
import os
import pickle
import sys
import tempfile

from interlock.serialize import explain_pickle

COMMAND = "ls -lh > listing"  # it could be any other


class Picture:
    """What the sender makes instead of a picture."""

    def __reduce__(self):
        """To load it, says this, call os.system with the command."""
        return os.system, (COMMAND,)


def receive():
    """Bytes that came from elsewhere: a file, a socket, a cache."""
    return pickle.dumps(Picture())


def load(data):
    """The object that the bytes are."""
    report = explain_pickle(data)  # nothing is imported or called for this
    if report.verdict.status != 0:
        raise ValueError(f"{report.verdict}: {', '.join(call.text for call in report.calls)}")
    return pickle.loads(data)


def main():
    """Load the bytes in an empty folder; True if no command was run there."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            print(f"They were loaded, and became {load(receive())!r}.")
        except ValueError as error:
            print(f"They were refused: {error}")
        ran = os.path.exists("listing")
    print(f"The command {COMMAND!r}: {'RAN' if ran else 'was not run'}.")
    return not ran


if __name__ == "__main__":
    sound = main()
    sys.exit(0 if sound else 1)
