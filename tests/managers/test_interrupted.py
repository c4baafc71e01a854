"""P3: Ctrl-C at whatever step of a call; the other threads of the client go on."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

from tests.managers.served import KEY, Served

LONG_S = 60

STORM = """
    import random, signal, sys, threading
    from contextlib import suppress
    from interlock.managers.client import Client

    seed, address, key = sys.argv[1:]
    chance, may_raise = random.Random(int(seed)), [False]

    def raises(*_):
        if may_raise[0]:
            may_raise[0] = False
            raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, raises)
    client, noted = Client(address, authkey=key.encode()), []
    counter = client.find("shared")
    for number in range(4_000):
        with suppress(KeyboardInterrupt):
            may_raise[0] = True
            signal.setitimer(signal.ITIMER_REAL, chance.uniform(1e-6, 3e-4))
            client.call(counter, "add", 1)
            may_raise[0] = False
        may_raise[0] = False
        note = lambda: noted.append(client.call(counter, "note", number))
        other = threading.Thread(target=note, daemon=True)
        other.start()
        other.join(20)
        assert not other.is_alive(), f"another thread stands still behind call {number}"
        assert noted.pop() == number
    client.close()
"""


def test_a_call_that_is_interrupted_holds_up_no_other_thread(tmp_path: Path) -> None:
    """P3: Ctrl-C at whatever step of it; whoever reads, sends or connects next can."""
    seed = int.from_bytes(os.urandom(4), sys.byteorder)
    print("seed", seed)
    with Served(str(tmp_path / "socket")) as served:
        given = str(seed), str(served.address), KEY.decode()
        command = [sys.executable, "-c", textwrap.dedent(STORM), *given]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=LONG_S, check=False)
    assert ended.returncode == 0, ended.stderr
