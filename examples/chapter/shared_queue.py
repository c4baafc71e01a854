"""A parent and a child share a queue: the child puts, the parent gets."""

import interlock as multiprocessing


def square(numbers, queue):
    """The child: put the square of each number, then None for the end."""
    for number in numbers:
        queue.put(number * number)
    queue.put(None)


if __name__ == "__main__":
    queue = multiprocessing.Queue()
    child = multiprocessing.Process(target=square, args=(range(1, 6), queue))
    child.start()
    while (result := queue.get()) is not None:
        print(result)
    child.join()
