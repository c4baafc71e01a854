"""Bytes from elsewhere are loaded by `pickle`: they run a command of the sender's choice.

    python broken.py

Exit status 0: the trap was shown. 1: it was not.
"""

import contextlib
import os
import pickle
import sys
import tempfile

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
    return pickle.loads(data)


def main():
    """Load the bytes in an empty folder; True if no command was run there."""
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        try:
            print(f"They were loaded, and became {load(receive())!r}.")
        except pickle.UnpicklingError as error:
            print(f"They were refused: {str(error).partition('. ')[0]}.")
        ran = os.path.exists("listing")
    print(f"The command {COMMAND!r}: {'RAN' if ran else 'was not run'}.")
    return not ran


if __name__ == "__main__":
    sound = main()
    sys.exit(1 if sound else 0)
