"""The checks of tools/tidy.py, a file a subject; each check is a function of a Repository."""
