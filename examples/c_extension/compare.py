"""One matrix a type goes through a queue to another process: what it cost on each side.

    python compare.py [fork|spawn|forkserver]

Exit status 0: each arrived equal.
"""

import sys
import time
import tracemalloc

import matrices

import interlock as multiprocessing

SIDE = 1024
SIZE = SIDE * SIDE * 8  # bytes
ROUNDS = 5
WAYS = (matrices.StateMatrix, matrices.ReduceMatrix, matrices.SharedMatrix)


def receive(queue, reports):
    """Say of one matrix of each type what memory it took to receive it; take the others."""
    for way in WAYS:
        with Traced() as heap:
            matrix = queue.get()
        malloced = matrices.allocated()
        reports.put((matrix == make(way), heap.peak, malloced, memoryview(matrix).readonly))
        del matrix
        for _ in range(ROUNDS):
            queue.get()
        reports.put("done")


def send(queue, reports, way):
    """Send one while memory is watched, print what it took, and send some more by the clock."""
    matrix = make(way)
    with Traced() as heap:
        queue.put(matrix)
    equal, peak, malloced, readonly = reports.get()
    copies = " ".join(f"{size / SIZE:>8.0f}" for size in (heap.peak, peak, malloced))
    arrived = "equal" if equal else "damaged"
    print(f"{way.__name__:<12} {arrived:<7} {copies}   {'no' if readonly else 'yes'}")
    begun = time.perf_counter()
    for _ in range(ROUNDS):
        queue.put(matrix)
    reports.get()
    return equal, time.perf_counter() - begun


def make(way):
    """A matrix of ones, made by itself on each side."""
    matrix = way(SIDE, SIDE)
    memoryview(matrix).cast("B")[:] = b"\1" * SIZE
    return matrix


class Traced:
    """How many bytes Python's allocator had given out at most, while the block ran."""

    def __enter__(self):
        tracemalloc.start()
        return self

    def __exit__(self, *error):
        self.peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()


def main(method):
    context = multiprocessing.get_context(method)
    queue, reports = context.Queue(), context.Queue()
    receiver = context.Process(target=receive, args=(queue, reports))
    receiver.start()
    print("                         sender receiver receiver")
    print("             arrived     copies   copies malloc'd  writable")
    results = {way: send(queue, reports, way) for way in WAYS}
    receiver.join()
    shared = results[matrices.SharedMatrix][1]
    for way in (matrices.StateMatrix, matrices.ReduceMatrix):
        ratio = results[way][1] / shared
        print(f"{way.__name__} took {ratio:.1f} times as long as SharedMatrix.")
    return all(equal for equal, _ in results.values())


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1] if len(sys.argv) > 1 else "spawn") else 1)
