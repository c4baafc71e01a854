"""A consumer is killed: its message is lost, and `multiprocessing.Queue` is stuck.

    python broken.py [fork | spawn | forkserver]

Exit status 0: the trap was shown. 1: it was not.
"""

import contextlib
import multiprocessing
import os
import queue
import signal
import sys
import time


@contextlib.contextmanager
def taken(messages, timeout=None):
    """A message while it is worked on."""
    yield messages.get(timeout=timeout)


def work(messages, step):
    """Take one message and never finish the work on it."""
    with taken(messages):
        step.value = 1
        signal.pause()


def wait(messages, step):
    """Wait for a message that does not come."""
    step.value = 2
    messages.get()


def consume(messages, seen):
    """Take messages until none arrives for a second."""
    with contextlib.suppress(queue.Empty):
        while True:
            with taken(messages, timeout=1) as message:
                seen[message] += 1


def kill_at(step, number, victim):
    """Kill a process once it has come to a step and sleeps there."""
    while step.value != number or state_of(victim) != "S":
        time.sleep(0.01)
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()


def state_of(process):
    """What the kernel says of a process: R for running, S for sleeping."""
    with open(f"/proc/{process.pid}/stat", encoding="utf-8", errors="replace") as status:
        return status.read().rpartition(")")[2].split()[0]


def main(method=None):
    """Kill a consumer that works and one that waits; True if the next gets it all."""
    context = multiprocessing.get_context(method)
    messages = context.Queue()
    step = context.RawValue("i", 0)
    seen = context.RawArray("i", 4)

    def run(target, *args):
        process = context.Process(target=target, args=(messages, *args))
        process.start()
        return process

    messages.put(0)
    kill_at(step, 1, run(work, step))
    print("A consumer was killed while it worked on message 0.")
    run(consume, seen).join()
    print(f"Message 0: {'delivered again, to another' if seen[0] else 'LOST'}.")

    kill_at(step, 2, run(wait, step))
    print("A consumer was killed while it waited in get().")
    for number in (1, 2, 3):
        messages.put(number)
    run(consume, seen).join()
    print(f"Of the 3 messages put after that, another consumer got {sum(seen[1:])}.")

    messages.cancel_join_thread()  # without this the program may hang at its end
    return list(seen) == [1, 1, 1, 1]


if __name__ == "__main__":
    sound = main(*sys.argv[1:])
    sys.exit(1 if sound else 0)
