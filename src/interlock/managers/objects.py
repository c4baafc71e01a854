"""What clients may make and call: a table that is filled by the program, and default deny (P4).

A call names a method; the name is looked up in a dict that was made when the type was registered,
and nowhere else. So there is no way to ``__class__`` or to a private attribute: they are in no
dict, and registering them is refused.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from interlock.errors import BadArgument, NotExposed
from interlock.managers.serving.checks import misfit
from interlock.serialize.fields import Description, describe

__all__ = ["Exposed", "Method", "Registry", "may_be_exposed"]

OPERATORS = frozenset(
    f"__{name}__"
    for name in (
        "len getitem setitem delitem contains iter next reversed call bool str repr eq ne lt le gt "
        "ge add radd iadd sub isub mul rmul imul or ror ior and rand iand xor enter exit"
    ).split()
)
"""Names with underscores that may be exposed, by writing them out."""

Runs = Literal["inline", "thread", "async"]
Checks = Literal["all", "known", "none"]


@dataclass(frozen=True)
class Method:
    """A method that clients may call.

    Attributes:
        name: What a call says.
        function: Called with the object and the arguments.
        runs: ``"inline"`` in the server's loop, for what never waits; ``"async"`` there too,
            awaited; ``"thread"`` in one of the server's threads.
        returns: The typeid under which its result stays in the server; None to send the value.
        signature: By which arguments are bound for the checks; None to check nothing.
        checks: By the name of the parameter.
        takes_objects: Whether references among its arguments come as the objects themselves.
        word: Another one for it in permissions, which may stand for several methods.
    """

    name: str
    function: Callable[..., Any]
    runs: Runs = "thread"
    returns: str | None = None
    signature: inspect.Signature | None = None
    checks: Mapping[str, Description] = field(default_factory=dict)
    takes_objects: bool = False
    word: str = ""

    def check(self, target: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Look at the arguments before they are passed on.

        Raises:
            BadArgument: One is not of the declared type, is missing, or is one too many.
        """
        if self.signature is None:
            return
        try:
            bound = self.signature.bind(target, *args, **kwargs)
        except TypeError as error:
            raise BadArgument(f"{self.name}() was not called: {error}.", "$") from error
        for name, check in self.checks.items():
            if name not in bound.arguments:
                continue
            value = bound.arguments[name]
            kind = self.signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_POSITIONAL:
                check = ("tuple", "tuple of", check)
            elif kind is inspect.Parameter.VAR_KEYWORD:
                check = ("dict", "dict", ("str", "type", str), check)
            wrong = misfit(value, check, f"$.{name}")
            if wrong is not None:
                raise BadArgument(
                    f"{self.name}() was not called: {wrong.path} is declared as {wrong.expected}, "
                    f"and what came is of type {wrong.found}. Give it one of the declared type.",
                    wrong.path,
                )


@dataclass(frozen=True)
class Exposed:
    """A registered type.

    Attributes:
        typeid: What clients call it.
        factory: Makes an object for a client; None where clients may not make any.
        methods: All that may be called, by name.
        each: Finds them for each object that is made, where its class is not known before.
    """

    typeid: str
    factory: Method | None
    methods: Mapping[str, Method]
    each: Callable[[object], Exposed] | None = None

    def of(self, target: object) -> Exposed:
        """What clients may do with that object."""
        return self if self.each is None else self.each(target)

    def method(self, name: str) -> Method:
        """The method of that name.

        Raises:
            NotExposed: It was not registered.
        """
        found = self.methods.get(name)
        if found is None:
            raise NotExposed(
                f"A {self.typeid} has no method {name!r:.100} for clients; nothing was run. It has "
                f"{', '.join(sorted(self.methods)) or 'none'}. Name it in exposed= where the type "
                "is registered on the server."
            )
        return found


class Registry:
    """The types and the named objects of a server."""

    def __init__(self) -> None:
        self._types: dict[str, Exposed] = {}

    def register(
        self,
        typeid: str,
        factory: Callable[..., Any] | None = None,
        *,
        cls: type | None = None,
        exposed: Iterable[str] | Mapping[str, Callable[..., Any]] | None = None,
        inline: Iterable[str] | bool = (),
        returns: Mapping[str, str] | None = None,
        checks: Checks = "all",
    ) -> Exposed:
        """Let clients make and use objects of a type.

        Args:
            typeid: What they call it.
            factory: Makes one, and its hints are checked; None if clients may not.
            cls: The class of what the factory makes, if the factory is no class itself.
            exposed: Names of methods; or a mapping of names to functions that take the object
                first. None for the public methods that the class defines or inherits.
            inline: The names of those that never wait, or True for all: they are run in the
                server's loop, which is much quicker than a thread of its own.
            returns: By the name of a method, the typeid of its result: that stays in the server,
                and the client gets a reference.
            checks: Of which arguments the types are checked: ``"all"`` that are declared, and
                annotations that cannot be resolved are refused; those that are ``"known"``; or
                ``"none"``.

        Raises:
            ValueError: The typeid is taken, or a name may not be exposed.
            TypeError: It is not said which methods there are.
        """
        if typeid in self._types:
            raise ValueError(f"{typeid!r} is registered already")
        owner = cls or (factory if isinstance(factory, type) else None)
        functions = _functions(typeid, owner, exposed)
        quick = set(functions) if inline is True else set(inline or ())
        results = dict(returns or {})
        if unknown := (quick | set(results)) - set(functions):
            raise ValueError(f"{typeid!r} exposes no {', '.join(sorted(unknown))}")
        methods = {
            name: _method(name, function, owner or object, name in quick, results.get(name), checks)
            for name, function in functions.items()
        }
        made = None if factory is None else self.factory(typeid, factory, checks=checks)
        return self.enter(Exposed(typeid, made, methods))

    def enter(self, entry: Exposed) -> Exposed:
        """Let clients make and use what is described already.

        Raises:
            ValueError: The typeid is taken.
        """
        if entry.typeid in self._types:
            raise ValueError(f"{entry.typeid!r} is registered already")
        self._types[entry.typeid] = entry
        return entry

    @staticmethod
    def factory(typeid: str, factory: Callable[..., Any], *, checks: Checks = "all") -> Method:
        """What makes an object for a client; its hints are checked."""
        return _factory(typeid, factory, checks)

    def find(self, typeid: str) -> Exposed:
        """The registered type of that name.

        Raises:
            NotExposed: There is none.
        """
        if typeid not in self._types:
            raise NotExposed(
                f"No type is registered as {typeid!r:.100} on the server; nothing was run. It has "
                f"{', '.join(sorted(self._types)) or 'none'}."
            )
        return self._types[typeid]


def may_be_exposed(name: str) -> bool:
    """Whether it is a method's name that is neither private nor part of Python itself."""
    return not name.startswith("_") or name in OPERATORS


def _functions(
    typeid: str,
    owner: type | None,
    exposed: Iterable[str] | Mapping[str, Callable[..., Any]] | None,
) -> dict[str, Callable[..., Any]]:
    if isinstance(exposed, Mapping):
        chosen = dict(exposed)
    elif owner is None:
        raise TypeError(
            f"Which methods a {typeid!r} has cannot be seen from its factory. Give cls= the class, "
            "or exposed= a mapping of names to functions."
        )
    elif exposed is None:
        chosen = {name: found for name in dir(owner) if (found := _public(owner, name))}
    else:
        names = [exposed] if isinstance(exposed, str) else list(exposed)
        chosen = {name: getattr(owner, name, None) for name in names}
    for name, function in chosen.items():
        if not may_be_exposed(name):
            raise ValueError(f"{name!r} is private or part of Python itself; it is not exposed")
        if not callable(function):
            raise ValueError(f"{typeid!r} has no method {name!r} that could be exposed")
    return chosen


def _public(owner: type, name: str) -> Callable[..., Any] | None:
    if name.startswith("_"):
        return None
    found = inspect.getattr_static(owner, name)
    if isinstance(found, staticmethod | classmethod) or inspect.isroutine(found):
        return typing.cast(Callable[..., Any], getattr(owner, name))
    return None


def _method(
    name: str,
    function: Callable[..., Any],
    owner: type,
    inline: bool,
    returns: str | None,
    wanted: Checks,
) -> Method:
    runs: Runs = "inline" if inline else "thread"
    if inspect.iscoroutinefunction(function):
        runs = "async"
    bare = inspect.getattr_static(owner, name, None)
    if isinstance(bare, staticmethod | classmethod):
        function = _without_object(function)
    signature, checks = _declared(function, owner, wanted)
    return Method(name, function, runs, returns, signature, checks)


def _without_object(function: Callable[..., Any]) -> Callable[..., Any]:
    def called(target: object, *args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return called


def _factory(typeid: str, factory: Callable[..., Any], wanted: Checks) -> Method:
    hinted = factory.__init__ if isinstance(factory, type) else factory  # type: ignore[misc]
    signature, checks = _declared(hinted, factory if isinstance(factory, type) else object, wanted)
    if signature is not None and hinted is factory:
        first = inspect.Parameter("_target", inspect.Parameter.POSITIONAL_ONLY)
        signature = signature.replace(parameters=[first, *signature.parameters.values()])
    runs: Runs = "async" if inspect.iscoroutinefunction(factory) else "thread"
    return Method(typeid, _without_object(factory), runs, typeid, signature, checks)


def _declared(
    function: Callable[..., Any], owner: type, wanted: Checks
) -> tuple[inspect.Signature | None, dict[str, Description]]:
    """The signature and the checks of a function; none where it declares no types."""
    if wanted == "none":
        return None, {}
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except Exception as error:
        if wanted == "known" or not getattr(function, "__annotations__", None):
            return None, {}
        raise TypeError(
            f"The annotations of {function!r} cannot be resolved ({error}), so arguments cannot be "
            "checked. Import what they name at run time, not only for type checking."
        ) from error
    hints.pop("return", None)
    checks = {
        name: check for name, hint in hints.items() if (check := describe(hint, owner)) is not None
    }
    return (inspect.signature(function), checks) if checks else (None, {})
