"""A producer is killed while it sends: all others go on.

    python fixed.py [fork | spawn | forkserver]

Exit status 0: the cure was shown. 1: it was not.
"""

import contextlib
import os
import queue
import signal
import sys
import time

import interlock as multiprocessing

LARGE = b"x" * (1 << 20)  # more than a pipe holds, so sending it takes a reader
SMALL = 10
PATIENCE = 4.0  # seconds we give to what should take a moment


def send_large(messages, acknowledged):
    """Put large messages until killed."""
    while True:
        messages.put(LARGE)
        acknowledged.value += 1


def send_small(messages, start):
    """Put a few small messages and end."""
    start.wait()
    for number in range(SMALL):
        messages.put(number)


def consume(messages, start, received):
    """Take messages until none arrives for a second; count the large and the small."""
    start.wait()
    with contextlib.suppress(queue.Empty):
        while True:
            message = messages.get(timeout=1)
            received[0 if message == LARGE else 1] += 1


def still_running(processes):
    """Those that have not ended when our patience has; they are killed."""
    deadline = time.monotonic() + PATIENCE
    for process in processes:
        process.join(max(0.0, deadline - time.monotonic()))
    stuck = [process.name for process in processes if process.is_alive()]
    for process in processes:
        process.kill()
        process.join()
    return stuck


def main(method=None):
    """Kill one producer; True if another and the consumer go on as if nothing was."""
    context = multiprocessing.get_context(method)
    messages = context.Queue(maxsize=4)
    acknowledged = context.RawValue("i", 0)
    received = context.RawArray("i", 2)
    start = context.Barrier(3)

    victim = context.Process(target=send_large, args=(messages, acknowledged))
    victim.start()
    while messages.empty() or not acknowledged.value:
        time.sleep(0.01)
    # There is something to read, and no reader: the victim is in the middle of it.
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    least = acknowledged.value  # one more put may have returned, unseen by us
    print(f"A producer was killed after {least} put() of large messages.")

    producer = context.Process(target=send_small, args=(messages, start), name="producer")
    consumer = context.Process(target=consume, args=(messages, start, received), name="consumer")
    producer.start()
    consumer.start()
    start.wait()
    stuck = still_running([producer, consumer])

    large, small = received
    whole = least <= large <= least + 1
    print(f"Its messages that arrived: {large}: {'all' if whole else 'LOST'}.")
    print(f"Another producer's messages that arrived: {small} of {SMALL}.")
    print(f"The other producer: {'STUCK' if 'producer' in stuck else 'ended'}.")
    print(f"The consumer, in get(timeout=1): {'STUCK' if 'consumer' in stuck else 'ended'}.")
    return whole and small == SMALL and not stuck


if __name__ == "__main__":
    sound = main(*sys.argv[1:])
    sys.exit(0 if sound else 1)
