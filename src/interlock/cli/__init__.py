"""The `interlock` command; `main` is where it starts."""
