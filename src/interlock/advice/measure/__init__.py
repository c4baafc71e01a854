"""What advice rests on, measured: the function, what travels, workers, and whole trials."""
