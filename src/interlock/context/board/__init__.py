"""The state of locks, queues and the like in one event loop, for processes that share no memory."""
