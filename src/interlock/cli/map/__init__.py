"""`interlock map`: a function over many inputs; `job.py` is the run, and where to start reading."""
