"""`__reduce__` is asked instead of `__getstate__`, and what it names is called on load."""

import interlock as multiprocessing


class Temperature:
    """Degrees, with every hook that `pickle` knows."""

    def __init__(self, degrees):
        self.degrees = degrees

    def __getstate__(self):
        """Never asked, for there is a `__reduce__`."""
        print("__getstate__ was asked", flush=True)
        return self.__dict__

    def __setstate__(self, state):
        """Never called, for `__reduce__` gives no state."""
        print("__setstate__ was called", flush=True)

    def __reduce__(self):
        """A function and its arguments: to load this, call measured(degrees)."""
        print("__reduce__ was asked", flush=True)
        return measured, (self.degrees,)


def measured(degrees):
    """Called where the object arrives; it could be any function at all."""
    print(f"measured({degrees}) was called", flush=True)
    return Temperature(degrees)


def report(queue):
    """The child: get the object, and with it the call."""
    print("it arrived with", queue.get().degrees, "degrees", flush=True)


if __name__ == "__main__":
    queue = multiprocessing.Queue()
    child = multiprocessing.Process(target=report, args=(queue,))
    child.start()
    queue.put(Temperature(21))
    child.join()
