"""What check_connection tries, by subject."""
