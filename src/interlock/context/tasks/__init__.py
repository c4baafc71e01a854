"""Pools whose tasks a cluster schedules: `engine.py` hands them on, and gathers the answers."""
