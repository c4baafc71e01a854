"""Interlock measured beside its peers, in one run; see README.md for the method."""

import os as _os

# Before numpy is imported: its thread pool would make the process that forks multi-threaded.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    _os.environ.setdefault(_name, "1")
