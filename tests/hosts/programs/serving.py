"""A server on a host: what tests/managers serves, over TLS with keys of `interlock keys`."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
from typing import Any

from interlock.managers.bounds import Bounds
from interlock.managers.server import ObjectServer, run
from interlock.managers.tls import server_context
from tests.hosts.programs.agent import answer
from tests.managers.served import Counter, Gate, registry


async def main(keys: str, address: str, port: int, bounds: dict[str, Any]) -> None:
    """Serve until the test's input ends."""
    server = ObjectServer(registry(), ssl=server_context(keys, "hub"), bounds=Bounds(**bounds))
    server.serve("counter", Counter(), "Counter")
    server.serve("gate", Gate(), "Gate")
    async with server.listening((address, port)):
        able = {"statistics": server.statistics}
        threading.Thread(target=answer, args=(able,), daemon=True).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    run(main(**json.loads(sys.argv[1])))
