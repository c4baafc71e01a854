"""The contracts of concurrent.futures' own interface, by what they are about."""
