"""What is inside a client of an object server: the connection, who waits, what is given back."""
