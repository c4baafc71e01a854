"""Describes files that are on another machine, until there are no more.

    python worker.py --keys DIR --name NAME --address HOST:PORT

A cable that is pulled out is nothing that this program has to know of: its calls wait, and each
runs once. Only when it was away for longer than the grace is it told, by `ServerGone`, that what
it had taken is another's by now; then it begins anew.
"""

import argparse
import sys
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from files import Files, Hub
from parse_source import describe_source

import interlock
from interlock.errors import ServerGone, ShutDown


def work(connection, files: Files) -> None:
    """Describe what there is to describe.

    A name is leased until its result is put: whatever ends this program, another has it then.
    """
    jobs, described = connection.queue("jobs"), connection.queue("described")
    while True:
        try:
            with jobs.lease() as delivery:
                name = delivery.message
                found = describe_source(bytes(files.read(name)), name)
                described.put((name, found, delivery.attempt))
        except ShutDown:
            return


def main(options: argparse.Namespace) -> None:
    """Work, and come back as another client where that is needed."""
    host, port = options.address.rsplit(":", 1)
    known = {"tls": options.keys, "name": options.name}
    while True:
        try:
            hub = Hub((host, int(port)), **known)
            hub.connect()
            with interlock.connect(f"interlock://{options.address}", **known) as connection:
                work(connection, hub.files())
                print(f"{options.name}: nothing more to do", flush=True)
                return
        except ServerGone:
            print(f"{options.name}: was away for too long, begins anew", flush=True)
        except OSError:  # the server's host cannot be reached, for now
            threading.Event().wait(0.2)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", required=True, help="where ca.pem, crl.pem and NAME.key are")
    parser.add_argument("--name", required=True)
    parser.add_argument("--address", required=True)
    main(parser.parse_args())
