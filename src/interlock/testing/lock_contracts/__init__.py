"""What must hold of every lock, by subject."""
