"""How exceptions are pickled: for a whole process otherwise, once `distributed` is imported.

It installs tblib, which sends their tracebacks, causes and contexts too. The tests of Dask are to
have that, as its users have; all others, in the same process, are to find what Python has.
"""

from __future__ import annotations

import copyreg
import sys
from types import TracebackType

__all__ = ["have_tblib"]


def have_tblib(wanted: bool) -> None:
    """Let tblib pickle exceptions, or not, if it is loaded."""
    support = sys.modules.get("tblib.pickling_support")
    if support is None or wanted is (TracebackType in copyreg.dispatch_table):
        return
    if wanted:
        support.install()
        return
    for kind, reducer in [*copyreg.dispatch_table.items()]:
        if getattr(reducer, "func", reducer).__module__ == support.__name__:
            del copyreg.dispatch_table[kind]
