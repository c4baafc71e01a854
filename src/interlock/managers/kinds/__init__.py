"""What a server by TCP makes of the usual kinds: locks, queues, containers; all run in its loop."""
