"""Objects of a server by their names, as a client sees them: `interlock.connect`."""

from interlock.managers.named.connection import Connection, connect

__all__ = ["Connection", "connect"]
