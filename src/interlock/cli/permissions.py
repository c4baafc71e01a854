"""The file of `interlock serve --permissions`: who may use what.

[worker-1]                    a name in a certificate
jobs = ["get"]                an object by its name, or all of a kind: what may be done
results = ["put", "read"]
report = "*"                  anything

["*"]                         whoever has no part of his own
lock = ["acquire"]
"""

from __future__ import annotations

import tomllib

from interlock.cli.usage import Unusable
from interlock.managers.auth import Permissions

__all__ = ["permissions_in"]

_LOOKS = 'a table for each name, such as [worker-1], with lines such as jobs = ["get", "put"]'


def permissions_in(path: str) -> Permissions:
    """What a file says.

    Raises:
        Unusable: It cannot be read, or says nothing that could be meant.
    """
    try:
        with open(path, "rb") as file:
            found = tomllib.load(file)
    except OSError as error:
        raise Unusable(
            f"--permissions {path} cannot be read ({error.strerror}); give a file with {_LOOKS}"
        ) from None
    except ValueError as error:  # no TOML, or no text at all
        raise Unusable(f"--permissions {path} is no TOML ({error}); it has {_LOOKS}") from None
    for peer, allowed in found.items():
        if not isinstance(allowed, dict):
            raise Unusable(
                f"--permissions {path}: {peer} stands in no table; the file has {_LOOKS}"
            )
        for name, methods in allowed.items():
            listed = isinstance(methods, list) and all(isinstance(each, str) for each in methods)
            if not listed and methods != "*":
                raise Unusable(
                    f'--permissions {path}: {name} of [{peer}] is neither a list of words nor "*"; '
                    f"the file has {_LOOKS}"
                )
    return found
