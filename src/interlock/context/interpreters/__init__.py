"""What the interpreter context is made of."""
