"""Two processes send on the same end of a pipe: their messages are torn.

    python broken.py [fork | spawn | forkserver]

Exit status 0: the trap was shown. 1: it was not.
"""

import multiprocessing
import sys

EACH = 20
SIZE = 1 << 20  # more than a pipe takes at once, so a message is written in pieces


def send(writer, letter, start):
    """Send EACH messages of one letter, once the other sender is there as well."""
    start.wait()
    for _ in range(EACH):
        writer.send_bytes(letter * SIZE)


def receive(reader):
    """Count the messages up to the first that is torn, and tell what is wrong with it."""
    for whole in range(2 * EACH):
        try:
            message = reader.recv_bytes()
        except (EOFError, OSError) as error:
            return whole, f"{type(error).__name__}: {error}"
        if len(message) != SIZE or len(set(message)) != 1:
            return whole, f"{len(message)} bytes of {len(set(message))} kinds, where one was sent"
    return 2 * EACH, "nothing"


def main(method=None):
    """True if all messages of two senders arrive as they were sent."""
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(duplex=False)
    start = context.Barrier(2)
    senders = [
        context.Process(target=send, args=(writer, letter, start)) for letter in (b"\1", b"\2")
    ]
    for sender in senders:
        sender.start()
    writer.close()

    whole, torn = receive(reader)
    print(f"{whole} of {2 * EACH} messages arrived as they were sent.")
    print(f"What came in place of the next: {torn}.")

    reader.close()  # whoever still sends to nobody ends here, or at the latest by kill()
    for sender in senders:
        if whole < 2 * EACH:
            sender.kill()
        sender.join()
    return whole == 2 * EACH


if __name__ == "__main__":
    sound = main(*sys.argv[1:])
    sys.exit(1 if sound else 0)
