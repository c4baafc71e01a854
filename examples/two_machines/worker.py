"""Describes files that a server has, until there are no more.

    python worker.py --keys DIR --name NAME --address HOST:PORT

A cable that is pulled out is nothing that this program has to know of: its calls wait, and each
runs once. Only when it was away for longer than the grace is it told, by `ServerGone`, that what
it held is another's by now; then it begins anew.
"""

import argparse
import sys
import threading
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from parse_source import describe_source

from interlock.errors import ServerGone
from interlock.managers.client import Client
from interlock.managers.tls import client_context


def work(client):
    """Describe what there is to describe."""
    jobs = client.find("jobs")
    while (name := client.call(jobs, "take")) is not None:
        source = client.call(jobs, "read", name)
        client.call(jobs, "done", name, describe_source(bytes(source), name))


def main(options):
    """Work, and come back as another client where that is needed."""
    host, port = options.address.rsplit(":", 1)
    context = client_context(options.keys, options.name)
    while True:
        try:
            with Client((host, int(port)), ssl=context) as client:
                work(client)
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
