"""What lies under a name in /dev/shm, on a machine on which other programs run as well."""

from __future__ import annotations

import os

# Semaphores and blocks of programs on the standard library and on joblib; ours have no such names.
OTHERS = ("sem.", "psm_", "joblib_")


def names_in_shared_memory() -> set[str]:
    """All that may be ours."""
    return {name for name in os.listdir("/dev/shm") if not name.startswith(OTHERS)}
