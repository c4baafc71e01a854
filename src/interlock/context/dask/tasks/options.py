"""The options of a task that Dask has, or that can be kept on Dask."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

from interlock.errors import NoSuchOption
from interlock.pool.jobs import Options

__all__ = ["DaskOptions", "DaskTaskOptions"]

_ABSENT = {
    "memory_limit": "Give the workers a limit: get_context('dask', workers=2, memory_limit=...), "
    "or `dask worker --memory-limit`",
    "backoff": "Dask tries again at once",
}


class DaskTaskOptions(TypedDict, total=False):
    """The keywords of `DaskOptions`, for those that pass them on."""

    timeout: float | None
    retries: int
    retry_on: type[BaseException] | tuple[type[BaseException], ...]
    priority: int
    resources: Mapping[str, float] | None


@dataclass(frozen=True)
class DaskOptions:
    """How a task is to be run.

    Attributes:
        timeout: Seconds that it may run; None for any time. It ends by an exception in its Python
            code: code in C that does not come back is not ended.
        retries: How often Dask tries it again after a timeout, or after what retry_on names. After
            a worker's death Dask tries again by itself, as often as its scheduler is told to.
        retry_on: Exceptions after which it is tried again.
        priority: Tasks of a higher one go first; Dask's own.
        resources: What the worker must have free, such as ``{"GPU": 1}``; Dask's own.
    """

    timeout: float | None = None
    retries: int = 0
    retry_on: type[BaseException] | tuple[type[BaseException], ...] = ()
    priority: int = 0
    resources: Mapping[str, float] | None = None

    def __post_init__(self) -> None:
        checked = Options(self.timeout, self.retries, self.retry_on, priority=self.priority)
        object.__setattr__(self, "retry_on", checked.retry_on)
        given: Any = self.resources
        if given is not None and not (
            isinstance(given, Mapping)
            and all(isinstance(each, int | float) and each >= 0 for each in given.values())
        ):
            raise ValueError(
                f'resources is {given!r}; give names and numbers, such as {{"GPU": 1}}'
            )

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> DaskOptions:
        """From keywords.

        Raises:
            NoSuchOption: Dask cannot do it; with what to do instead.
            ValueError: An option is out of its range.
        """
        return cls().with_(**given)

    def with_(self, **changes: Any) -> DaskOptions:
        """The same with other values; raises what `of` raises."""
        if not changes:
            return self
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        for name in changes:
            if name not in values:
                instead = _ABSENT.get(name, f"There are {', '.join(values)}")
                raise NoSuchOption(f"The context 'dask' has no option {name!r}. {instead}.")
        return DaskOptions(**(values | changes))

    @property
    def goes_alone(self) -> bool:
        """Whether each call must be a task of Dask of its own."""
        return self.timeout is not None or self.retries > 0
