"""Whether this system has what the core needs; importing this module refuses where it has not.

The check is the import itself, so that it comes before everything else that
`import interlock` would load. It costs one system call and one close.
"""

from __future__ import annotations

import os
import sys

from interlock.errors import UnsupportedPlatform

__all__: list[str] = []


def _refuse_elsewhere() -> None:
    if sys.platform != "linux":
        raise UnsupportedPlatform(
            f"Interlock needs Linux (memfd, pidfd and futex), and this is {sys.platform!r}"
        )


def _refuse_old_kernels() -> None:
    """Asks for the youngest of the calls; a kernel that has it has memfd and eventfd too.

    An interpreter built on an old system lacks `os.pidfd_open` whatever kernel
    it runs on: the core, which does not go through `os`, then asks for itself.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
    except AttributeError:
        return
    except OSError as error:
        raise UnsupportedPlatform(
            "Interlock needs Linux 5.3 or newer with pidfd_open allowed, and this is "
            f"Linux {os.uname().release}, which answers: {error.strerror}"
        ) from None


_refuse_elsewhere()
_refuse_old_kernels()
