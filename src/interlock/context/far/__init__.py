"""Handles of what is on a board: locks, queues and the like for processes that share no memory."""
