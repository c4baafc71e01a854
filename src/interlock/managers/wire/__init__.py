"""What passes between an object server and its clients; no I/O (docs/protocols/managers.md)."""
