"""Serves the files of a folder, and the work on them, until it is told to end.

python server.py --keys DIR --address HOST:PORT FOLDER
"""

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parent.parent))

from jobs import Jobs
from stdlib_sources import sources

from interlock.managers.bounds import Bounds
from interlock.managers.objects import Registry
from interlock.managers.server import ObjectServer, run
from interlock.managers.tls import server_context

IN_THE_LOOP = ("names", "put", "done", "end")


async def serve(options):
    """Listen until SIGTERM."""
    registry = Registry()
    registry.register("Jobs", cls=Jobs, inline=IN_THE_LOOP)
    bounds = Bounds(heartbeat_s=options.heartbeat, grace_s=options.grace)
    server = ObjectServer(registry, ssl=server_context(options.keys, "hub"), bounds=bounds)
    names = [os.path.relpath(path, options.folder) for path in sources(options.folder)]
    server.serve("jobs", Jobs(options.folder, names), "Jobs")
    end = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, end.set)
    host, port = options.address.rsplit(":", 1)
    async with server.listening((host, int(port))):
        print(f"hub: serves {len(names)} files at {options.address}", flush=True)
        await end.wait()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keys", required=True, help="where ca.pem, crl.pem and hub.key are")
    parser.add_argument("--address", required=True)
    parser.add_argument("--heartbeat", type=float, default=5.0, metavar="S")
    parser.add_argument("--grace", type=float, default=30.0, metavar="S")
    parser.add_argument("folder")
    run(serve(parser.parse_args()))
