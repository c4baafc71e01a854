"""Pickles of strangers: what they would do, told without loading; and a reader of our own."""
