"""The server of a manager: the standard library's, which keeps what is in shared memory besides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import managers as standard
from typing import TYPE_CHECKING, Any

from interlock.managers.lending.handle import answering
from interlock.managers.lending.keeper import Keeper
from interlock.managers.lending.reference import PATIENCE_S
from interlock.managers.local.factories import Factory

__all__ = ["Server"]

if TYPE_CHECKING:
    _Base: Any = standard.Server
else:
    _Base = standard.Server


def _value(_server: Any, _conn: Any, _ident: str, what: Any) -> Any:
    value = getattr(what, "_getvalue", None)
    return what if value is None else value()


class Server(_Base):  # type: ignore[misc]
    """Makes objects for clients and serves those that call them through its socket.

    If a process dies: what only it had in shared memory is let go within moments.
    """

    public = (*_Base.public, "make_shared", "keep_within")
    fallback_mapping = _Base.fallback_mapping | {"#GETVALUE": _value}

    def __init__(self, *args: Any, **kwds: Any) -> None:
        super().__init__(*args, **kwds)
        self._keeper = Keeper(self._gone, lambda: set(self.id_to_local_proxy_obj))

    def _gone(self, name: str) -> None:
        self.id_to_obj.pop(name, None)
        self.id_to_local_proxy_obj.pop(name, None)

    def make_shared(self, c: Any, typeid: str, /, *args: Any, **kwds: Any) -> Any:
        """Make an object, and keep it while the client comes to have it.

        Returns:
            None, if the kind is not made in shared memory; or else nothing: the answer, the
            object's name, what it exposes and where it is lent, was sent already.
        """
        if not isinstance(self.registry[typeid][0], Factory):
            return None
        with self._made(typeid, args, kwds) as (name, exposed):
            c.send(("#RETURN", (name, exposed, self._keeper.lender)))
            with suppress(EOFError, OSError):
                if c.poll(PATIENCE_S):
                    c.recv_bytes()  # nothing comes: the client closes the line when it is done
        return None

    def keep_within(self, c: Any, name: str, value: Any) -> None:
        """Keep what the proxies in a value stand for, as long as there is the container.

        Those of this server `RebuildProxy` has entered for good when they came, as it does for
        containers of the standard library's; of other servers this one is a holder.
        """
        self.id_to_obj[name][0]._values.kept.append(value)

    def create(self, c: Any, typeid: str, /, *args: Any, **kwds: Any) -> tuple[str, Any]:
        """Make an object for a client that calls it through the socket."""
        if not isinstance(self.registry[typeid][0], Factory):
            return super().create(c, typeid, *args, **kwds)  # type: ignore[no-any-return]
        with self._made(typeid, args, kwds) as made:
            self._keeper.called(made[0], 1)
            return made

    @contextmanager
    def _made(self, typeid: str, args: Any, kwds: Any) -> Iterator[tuple[str, Any]]:
        factory, exposed, methods, _ = self.registry[typeid]
        what = factory(*args, **kwds)
        if exposed is None:
            exposed = standard.public_methods(what)  # type: ignore[attr-defined]
        exposed = (*exposed, *(methods or ()))
        with self._keeper.made(what) as name:
            self.id_to_obj[name] = (what, set(exposed), methods)
            yield name, exposed

    def serve_client(self, conn: Any) -> None:
        """Serve the calls of one client."""
        answering.on_its_way = self._keeper.on_its_way
        super().serve_client(conn)

    def incref(self, c: Any, ident: str) -> None:
        """Count a proxy that calls through the socket."""
        if ident in self._keeper:
            self._keeper.called(ident, 1)
        else:
            super().incref(c, ident)

    def decref(self, c: Any, ident: str) -> None:
        """Count one less."""
        if ident in self._keeper:
            self._keeper.called(ident, -1)
        else:
            super().decref(c, ident)

    def number_of_objects(self, c: Any) -> int:
        """How many objects there are, in shared memory or not."""
        self._keeper.sweep()
        return len(self._keeper) + int(super().number_of_objects(c))

    def debug_info(self, c: Any) -> str:
        """What there is, and who has it."""
        self._keeper.sweep()
        shared = [f"  {name}:       {why}" for name, why in self._keeper.holders()]
        return "\n".join([*shared, *filter(None, [super().debug_info(c)])])
