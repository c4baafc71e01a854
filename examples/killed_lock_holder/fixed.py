"""The holder of a lock is killed: the next one has it, and is told.

    python fixed.py [fork | spawn | forkserver]

Exit status 0: the cure was shown. 1: it was not.
"""

import os
import signal
import sys

import interlock as multiprocessing

PATIENCE_S = 4


def hold(lock, taken):
    """Take the lock and never come back from the work on what it guards."""
    with lock:
        taken.send("taken")
        signal.pause()


def turn(lock, account):
    """Add to what the lock guards, if the lock can be had."""
    if lock.acquire(timeout=PATIENCE_S):
        account.value += 1
        lock.release()


def main(method=None):
    """Kill a holder while others want the lock; True if they get it."""
    context = multiprocessing.get_context(method)
    lock = context.Lock()
    account = context.RawValue("i", 0)
    reader, writer = context.Pipe(duplex=False)

    holder = context.Process(target=hold, args=(lock, writer))
    holder.start()
    reader.recv()
    others = [context.Process(target=turn, args=(lock, account)) for _ in range(3)]
    for other in others:
        other.start()
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    print("The holder of the lock was killed while three others wanted it.")

    for other in others:
        other.join()
    print(f"Of the 3 others, {account.value} had the lock within {PATIENCE_S} seconds.")
    return account.value == 3


if __name__ == "__main__":
    sound = main(*sys.argv[1:])
    sys.exit(0 if sound else 1)
