"""Names that no list may have: each of them alone lets a pickle do anything.

This is no defence, as such names cannot be counted; the list of what is allowed is the
defence. It catches the slip of a caller who allows whatever a pickle asks for.
"""

from __future__ import annotations

__all__ = ["is_dangerous"]

# Of these modules everything, but for what is in _HARMLESS.
_MODULES = frozenset(
    (
        "_asyncio _ctypes _frozen_importlib _frozen_importlib_external _imp _interpreters _io "
        "_operator _pickle _posixsubprocess _pyio _signal _socket _sqlite3 _ssl _testcapi _thread "
        "_winapi _xxsubinterpreters asyncio bdb builtins "
        "cProfile cloudpickle code codeop cffi ctypes dill distutils doctest ensurepip "
        "fileinput ftplib gc http imaplib imp importlib inspect io joblib jsonpickle marshal "
        "mmap multiprocessing nntplib nt ntpath operator os pdb pickle pickletools pip pkgutil "
        "popen2 poplib posix posixpath pty pydoc runpy setuptools shelve shutil "
        "signal site smtplib socket socketserver sqlite3 ssl subprocess sys sysconfig telnetlib "
        "tempfile threading timeit trace tracemalloc types unittest urllib venv "
        "webbrowser xmlrpc zipapp zipimport"
    ).split()
)
_HARMLESS = frozenset(
    (
        "io:BytesIO io:StringIO _io:BytesIO _io:StringIO inspect:Parameter inspect:Signature "
        "inspect:_ParameterKind inspect:_empty "
        "multiprocessing:AuthenticationError multiprocessing:ProcessError _operator:getitem "
        "operator:itemgetter os:stat_result os:terminal_size posix:stat_result "
        "signal:Signals signal:Handlers socket:AddressFamily socket:SocketKind sqlite3:Error "
        "ssl:SSLError subprocess:CalledProcessError subprocess:CompletedProcess "
        "subprocess:SubprocessError subprocess:TimeoutExpired sys:version_info "
        "types:GenericAlias types:SimpleNamespace urllib.parse:ParseResult "
        "urllib.parse:SplitResult urllib.error:HTTPError urllib.error:URLError "
        "http:HTTPStatus http:HTTPMethod"
    ).split()
)
_NAMES = frozenset(
    (
        "_codecs:decode _functools:reduce codecs:decode copyreg:add_extension copyreg:pickle "
        "functools:partialmethod functools:reduce functools:singledispatch "
        "itertools:starmap numpy:load numpy:fromfile numpy:memmap pandas:eval "
        "pandas:read_pickle pandas.io.pickle:read_pickle torch:load logging.config:fileConfig "
        "logging.config:dictConfig typing:get_type_hints"
    ).split()
)


def is_dangerous(module: str, name: str) -> bool:
    """Whether a name must not be allowed to anybody's pickle."""
    entry = f"{module}:{name}"
    if any(part.startswith("__") and part.endswith("__") for part in name.split(".")):
        return True
    if entry in _NAMES:
        return True
    return module.split(".")[0] in _MODULES and entry not in _HARMLESS
