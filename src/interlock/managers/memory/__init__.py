"""Managed containers and values, as they lie in shared memory."""
