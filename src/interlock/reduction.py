"""How objects are made fit to travel: the standard library's names for it, and its registry.

What a program registers here holds for Interlock's queues and pipes and for
the standard library's, because there is one `ForkingPickler` for both.
"""

from multiprocessing.reduction import (
    HAVE_SEND_HANDLE,
    AbstractReducer,
    DupFd,
    ForkingPickler,
    dump,
    recv_handle,
    recvfds,
    register,
    send_handle,
    sendfds,
)

from interlock._standard import rest_of

__all__ = [
    "HAVE_SEND_HANDLE",
    "AbstractReducer",
    "DupFd",
    "ForkingPickler",
    "dump",
    "recv_handle",
    "recvfds",
    "register",
    "send_handle",
    "sendfds",
]

__getattr__ = rest_of("multiprocessing.reduction")
