"""The default context: it has no start method of its own, but follows `multiprocessing`'s.

There is one choice of start method in a program, and the standard library keeps
it. Libraries beside us (torch, joblib ...) ask `multiprocessing` for it, and the
code that starts a child carries it over by setting it there (`spawn.prepare`,
`BaseProcess._bootstrap`). So this context reads and writes that choice, and only
translates: where the standard library has its fork context, we have ours.
docs/decisions/0001-one-start-method.md says what else was considered.
"""

from __future__ import annotations

from multiprocessing import context as standard
from typing import Any

from interlock.context.base import CONTEXTS, BaseContext
from interlock.context.elsewhere import ELSEWHERE
from interlock.errors import NoSuchContext
from interlock.process import Process

__all__ = ["DefaultContext", "default_context", "get_context"]

# Names that type checkers do not know, because they are private.
_theirs: Any = standard


class DefaultContext(BaseContext, standard.DefaultContext):
    """The context of the top's own functions, whose start method a program may choose.

    The choice is the one of `multiprocessing`: it is made once, through either
    library, and holds for both.
    """

    Process = Process

    def __init__(self) -> None:
        # Not the base's, which would undo a choice that the program has made already.
        pass

    @property
    def _default_context(self) -> standard.BaseContext:
        return _our_counterpart(_theirs._default_context._default_context)

    @property
    def _actual_context(self) -> standard.BaseContext | None:
        chosen = _theirs._default_context._actual_context
        return None if chosen is None else _our_counterpart(chosen)

    @_actual_context.setter
    def _actual_context(self, chosen: standard.BaseContext | None) -> None:
        _theirs._default_context._actual_context = (
            None if chosen is None else _their_counterpart(chosen)
        )

    def set_start_method(self, method: str | None, force: bool = False) -> None:
        """Choose how processes start, for `multiprocessing` too.

        Raises:
            RuntimeError: The choice was made already, and force is not set.
            NoSuchContext: There is no such start method; threads and clusters are none, they
                are asked for by `get_context`.
        """
        if method in ELSEWHERE:
            there_are = ", ".join(self.get_all_start_methods())
            raise NoSuchContext(
                f"cannot find context for {method!r} among the start methods, which are "
                f"{there_are}; use get_context({method!r})"
            )
        super().set_start_method(method, force)


def _our_counterpart(context: standard.BaseContext) -> standard.BaseContext:
    """Our context in place of the standard library's; anybody else's as it is."""
    name = getattr(context, "_name", "")
    return CONTEXTS.get(name, context) if context is _named(name) else context


def _their_counterpart(context: standard.BaseContext) -> standard.BaseContext:
    """The standard library's context in place of ours; anybody else's as it is."""
    name = getattr(context, "_name", "")
    return _named(name) or context if context is CONTEXTS.get(name) else context


def _named(name: str) -> standard.BaseContext | None:
    found: standard.BaseContext | None = _theirs._concrete_contexts.get(name)
    return found


default_context = DefaultContext()
get_context = default_context.get_context
