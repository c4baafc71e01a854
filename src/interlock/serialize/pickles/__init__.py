"""Pickles of any program: what they would do, told without loading them."""
