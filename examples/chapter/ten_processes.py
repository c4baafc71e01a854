"""Ten processes print, one at a time, under one lock."""

from interlock import Lock, Process


def say(lock, number):
    """A child: print two lines that nobody may come between."""
    with lock:
        print("hello from process", number)
        print("goodbye from process", number, flush=True)


if __name__ == "__main__":
    lock = Lock()
    children = [Process(target=say, args=(lock, number)) for number in range(10)]
    for child in children:
        child.start()
    for child in children:
        child.join()
