"""The contracts of multiprocessing.Pool's own interface, by what they are about."""
