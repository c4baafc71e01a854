"""How objects of another process are used, one file a library."""
