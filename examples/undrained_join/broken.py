"""A process is joined before its result is read: `join` never returns.

    python broken.py [fork | spawn | forkserver]

Exit status 0: the trap was shown. 1: it was not.
"""

import multiprocessing
import sys

RESULT = b"x" * (1 << 20)  # more than the 64 KiB that a pipe holds
PATIENCE = 4.0  # seconds we give to what should take a moment


def compute(results, done):
    """Put the result; the work of this process ends here."""
    results.put(RESULT)
    done.set()


def main(method=None):
    """Join first and read the result afterwards; True if that works."""
    context = multiprocessing.get_context(method)
    results = context.Queue()
    done = context.Event()
    process = context.Process(target=compute, args=(results, done))
    process.start()
    done.wait()
    print("The process has put its result and has nothing left to do.")

    process.join(PATIENCE)
    joined = not process.is_alive()
    print(f"join(): {'back at once' if joined else f'STUCK for {PATIENCE:.0f} seconds'}.")
    result = results.get()  # in a program stuck in join(), nobody comes to do this
    process.join()
    print(f"The result, read after that, has {len(result)} bytes.")
    return joined


if __name__ == "__main__":
    sound = main(*sys.argv[1:])
    sys.exit(1 if sound else 0)
