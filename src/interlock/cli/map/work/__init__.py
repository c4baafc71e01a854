"""What runs in a worker: the function or the program, on one input, and what became of it."""
