"""What runs in Dask's scheduler: queues and locks, and who has them."""
