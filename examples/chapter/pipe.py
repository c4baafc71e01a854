"""A parent and a child talk over a pipe."""

from interlock import Pipe, Process


def greet(connection):
    """The child: send one message and hang up."""
    connection.send(["hello", 42, None])
    connection.close()


if __name__ == "__main__":
    ours, theirs = Pipe()
    child = Process(target=greet, args=(theirs,))
    child.start()
    print(ours.recv())
    child.join()
