"""Pools of processes, one file a peer; `contender.py` says what each of them does."""
