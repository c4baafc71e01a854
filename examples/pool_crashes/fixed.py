"""Five of a hundred tasks go wrong: the other ninety-five have their results.

    python fixed.py [fork | spawn | forkserver]

Exit status 0: the cure was shown. 1: it was not.
"""

import ctypes
import os
import signal
import sys
import threading
import time

import interlock as multiprocessing
from interlock.pool import ProcessPoolExecutor

PATIENCE_S = 4
TASKS = 100
STUCK = f"STUCK, nothing came in {PATIENCE_S} seconds"


def returns_a_lock():
    """What cannot be sent."""
    return threading.Lock()


def eats_memory():
    """As much as there is."""
    eaten = []
    while True:
        eaten.append(bytearray(16 << 20))


def segfaults():
    """As a fault in a C library does."""
    ctypes.string_at(0)


def is_killed():
    """As the kernel does when memory runs out."""
    os.kill(os.getpid(), signal.SIGKILL)


def never_ends():
    """As a task that waits for somebody who has gone."""
    while True:
        signal.pause()


WRONG = {10: eats_memory, 30: returns_a_lock, 50: segfaults, 70: is_killed, 90: never_ends}


def work(number):
    """One task of the hundred."""
    if number in WRONG:
        return WRONG[number]()
    time.sleep(0.01)
    return number * number


def by_executor(context):
    """All tasks, by the interface of `concurrent.futures`; each one's way to wait for it."""
    with ProcessPoolExecutor(2, context, timeout=1, memory_limit=200_000_000) as executor:
        for future in [executor.submit(work, number) for number in range(TASKS)]:
            yield future.result


def by_pool(context):
    """All tasks, by the interface of `multiprocessing`; each one's way to wait for it."""
    with context.Pool(2, timeout=1, memory_limit=200_000_000) as pool:
        results = pool.imap(work, range(TASKS))
        for _ in range(TASKS):
            yield results.next


def report(waits):
    """Say what became of each of the five; True if all others have their results."""
    sound = 0
    for number, wait in enumerate(waits):
        outcome = outcome_of(wait)
        if number in WRONG:
            print(f"    task {number} {WRONG[number].__name__:14}  {outcome}")
        sound += outcome == number * number
        if outcome == STUCK:
            break
    fine = TASKS - len(WRONG)
    print(f"    {sound} of {fine} fine tasks have their results.")
    return sound == fine


def outcome_of(wait):
    """The result; or in words the error, and the signal if it knows one."""
    try:
        return wait(timeout=PATIENCE_S)
    except Exception as error:
        if type(error) in (TimeoutError, multiprocessing.TimeoutError):
            return STUCK
        number = getattr(error, "signal", None)
        return type(error).__name__ + (f" by {signal.Signals(number).name}" if number else "")


def main(method=None):
    """A hundred tasks by each kind of pool; True if only the five go wrong."""
    context = multiprocessing.get_context(method)
    print("ProcessPoolExecutor:")
    by_one = report(by_executor(context))
    print("Pool:")
    return report(by_pool(context)) and by_one


if __name__ == "__main__":
    sound = main(*sys.argv[1:])
    sys.exit(0 if sound else 1)
