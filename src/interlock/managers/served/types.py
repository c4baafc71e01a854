"""What clients may call of what is served by name, and by which words permissions speak of it.

These types are in no registry: clients make none of them but by their names, and a program's own
typeids (a manager has a dict and a list, too) may be the same.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from interlock.managers.objects import Exposed, Registry

__all__ = ["WORDS", "exposed_as"]

WORDS: dict[str, dict[str, str]] = {
    "dict": {
        "read": "contains count find items keys versioned",
        "write": "clear pop popitem put put_all put_if setdefault",
    },
    "list": {
        "read": "at count part",
        "write": "delete extend insert pop pop_if put replace",
    },
    "lock": {"read": "state", "acquire": "abandon acquire release"},
    "queue": {
        "read": "counts",
        "put": "put",
        "get": "abandon done give_back take",
        "dead_letter": "dead_letter",
        "shutdown": "shutdown",
    },
    "store": {"open": "open", "remove": "remove", "names": "names"},
}
"""By the kind, and by the word that stands for them in permissions: methods."""

_WAIT = {"lock": {"acquire"}, "queue": {"put", "take"}}


def exposed_as(kind: str, cls: type[Any]) -> Exposed:
    """The methods of a kind, as a server has them.

    Args:
        kind: Its name.
        cls: Its class.
    """
    word_of = {name: word for word, names in WORDS[kind].items() for name in names.split()}
    inline = word_of.keys() - _WAIT.get(kind, set())
    made = Registry().register(kind, cls=cls, exposed=tuple(word_of), inline=inline)
    methods = {name: replace(method, word=word_of[name]) for name, method in made.methods.items()}
    return replace(made, methods=methods)
