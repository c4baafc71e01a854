"""The contexts that are not start methods: where each is, imported only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from interlock.errors import MissingDependency, NoSuchContext, NoSuchOption

if TYPE_CHECKING:
    from interlock.context.base import BaseContext

__all__ = ["ELSEWHERE", "made_elsewhere", "no_such_context", "refuse_options"]


class Place(NamedTuple):
    """A context's module and class, and the extra that installs what it stands on."""

    module: str
    kind: str
    extra: str | None = None
    needs: tuple[str, ...] = ()


ELSEWHERE: dict[str, Place] = {
    "thread": Place("interlock.context.thread", "ThreadContext"),
    "interpreter": Place("interlock.context.interpreter", "InterpreterContext"),
    "dask": Place("interlock.context.dask", "DaskContext", "dask", ("dask", "distributed")),
    "ray": Place("interlock.context.ray", "RayContext", "ray", ("ray",)),
}


def made_elsewhere(name: str, options: Mapping[str, Any]) -> BaseContext:
    """A context of that name, made with these options.

    Raises:
        NoSuchOption: It has no such option.
        MissingDependency: The extra that it stands on is not installed.
        UnsupportedPlatform: This Python has not what it stands on.
    """
    import inspect  # here, for it is slow to load, and `import interlock` is quick

    kind = _imported(name)
    parameters = inspect.signature(kind).parameters.values()
    if not any(each.kind is each.VAR_KEYWORD for each in parameters):
        refuse_options(name, options, [each.name for each in parameters])
    made: BaseContext = kind(**options)
    return made


def _imported(name: str) -> Any:
    from importlib.util import find_spec

    place = ELSEWHERE[name]
    for needed in place.needs:
        if find_spec(needed) is None:
            raise MissingDependency(
                f"The context {name!r} needs {needed}, which is not installed. "
                f"Install it with `pip install 'interlock[{place.extra}]'`."
            )
    return getattr(import_module(place.module), place.kind)


def refuse_options(name: str | None, options: Mapping[str, Any], known: Iterable[str] = ()) -> None:
    """Raise NoSuchOption if there is an option that is not known."""
    unknown = [option for option in options if option not in (known := [*known])]
    if not unknown:
        return
    has = f"It has {', '.join(known)}." if known else "It has none."
    raise NoSuchOption(f"The context {name!r} has no option {', '.join(map(repr, unknown))}. {has}")


def no_such_context(name: object, there_are: Iterable[str]) -> NoSuchContext:
    """The error for a name that nobody has, beginning as the standard library's does."""
    return NoSuchContext(f"cannot find context for {name!r}; there are {', '.join(there_are)}")
