"""What runs in Dask's workers around a task of ours."""
