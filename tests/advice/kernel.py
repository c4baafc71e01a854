"""What the kernel here tells."""

from __future__ import annotations

import os
import threading


def tells_waits() -> bool:
    """Whether the kernel names where a thread sleeps."""
    over = threading.Event()
    thread = threading.Thread(target=over.wait, daemon=True)
    thread.start()
    try:
        for _ in range(1000):
            with open(f"/proc/self/task/{thread.native_id}/wchan") as file:
                if file.read() not in ("", "0"):
                    return True
            os.sched_yield()
        return False
    finally:
        over.set()
        thread.join()
