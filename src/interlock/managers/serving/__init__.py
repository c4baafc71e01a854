"""What is inside an object server: connections, sessions, and whose call is run next."""
