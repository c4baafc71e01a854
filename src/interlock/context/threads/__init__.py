"""What the thread context is made of: processes, queues, pipes and pools that are threads."""
