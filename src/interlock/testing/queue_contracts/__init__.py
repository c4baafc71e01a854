"""The contracts of a queue, by what they are about."""
