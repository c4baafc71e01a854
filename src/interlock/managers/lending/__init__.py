"""How processes come to have what a server keeps in shared memory, and when it lets it go."""
