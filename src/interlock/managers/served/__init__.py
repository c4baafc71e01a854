"""Objects that a server has by name, and its journal, by which they outlive it."""
