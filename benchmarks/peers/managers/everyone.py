"""All of them; those that are not installed are left out."""

from __future__ import annotations

from .contender import Remote
from .own import InterlockShared, InterlockTcp, InterlockTls
from .pyro_peer import Pyro
from .redis_remote import Redis
from .rpyc_peer import Rpyc
from .standard import StandardTcp, StandardUnix

EVERYONE: tuple[type[Remote], ...] = (
    StandardTcp,
    StandardUnix,
    InterlockTcp,
    InterlockTls,
    InterlockShared,
    Rpyc,
    Pyro,
    Redis,
)
