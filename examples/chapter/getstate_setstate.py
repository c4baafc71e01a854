"""An object leaves its open file behind when it travels, and opens it again where it arrives."""

import os
import tempfile

import interlock as multiprocessing


class Numbers:
    """The numbers in a file, which is kept open."""

    def __init__(self, path):
        self.path = path
        self.file = open(path)

    def __getstate__(self):
        """What travels: everything but the open file, which cannot be pickled."""
        state = self.__dict__.copy()
        del state["file"]
        return state

    def __setstate__(self, state):
        """On the other side: what travelled, and the file opened anew."""
        self.__dict__.update(state)
        self.file = open(self.path)


def add_up(queue):
    """The child: read the file through the object that arrives."""
    numbers = queue.get()
    with numbers.file:
        print("the child reads", sum(map(int, numbers.file)))


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "numbers")
        with open(path, "w") as file:
            file.write("1\n2\n3\n")
        queue = multiprocessing.Queue()
        child = multiprocessing.Process(target=add_up, args=(queue,))
        child.start()
        numbers = Numbers(path)
        queue.put(numbers)
        child.join()
        numbers.file.close()
