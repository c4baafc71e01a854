"""Where inputs come from: arguments, files, streams; and how they go to the pool."""
