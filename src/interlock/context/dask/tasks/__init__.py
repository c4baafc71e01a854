"""Pools, executors and processes: Dask's tasks, seen from the program that submits them."""
