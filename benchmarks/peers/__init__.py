"""Who is measured, one file a peer; each says its NAME and gives a context()."""
