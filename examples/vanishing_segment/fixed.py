"""Another program reads from shared memory and ends: everyone else still has it.

    python fixed.py [fork | spawn | forkserver]

Exit status 0: the cure was shown. 1: it was not.
"""

import subprocess
import sys

import interlock as multiprocessing
from interlock import shared_memory

WORDS = b"three readers want this"


def read(name, answer):
    """Open the memory by its name, and say what is in it."""
    try:
        memory = shared_memory.SharedMemory(name)
    except FileNotFoundError:
        answer.send("GONE")
    else:
        answer.send(bytes(memory.buf[: len(WORDS)]).decode())
        memory.close()


def another_program(name, method):
    """What a program does that was only told the name: a worker of its reads."""
    context = multiprocessing.get_context(method)
    reader, writer = context.Pipe(duplex=False)
    worker = context.Process(target=read, args=(name, writer))
    worker.start()
    print("A program, which then ends, reads:", reader.recv())
    worker.join()


def main(method=None):
    """Keep memory while other programs read from it; True if all of them could."""
    memory = shared_memory.SharedMemory(create=True, size=len(WORDS))
    memory.buf[: len(WORDS)] = WORDS
    found = 0
    for _ in range(3):
        command = [sys.executable, __file__, "--read", memory.name, method or "spawn"]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout, end="")
        found += "GONE" not in done.stdout
    print(f"Of 3 programs, {found} found the memory, which was in use all the time.")
    memory.close()
    try:
        memory.unlink()
    except FileNotFoundError:
        print("Its owner cannot unlink it: it is GONE.")
    return found == 3


if __name__ == "__main__":
    if sys.argv[1:2] == ["--read"]:
        another_program(*sys.argv[2:])
        sys.exit(0)
    sound = main(*sys.argv[1:])
    sys.exit(0 if sound else 1)
