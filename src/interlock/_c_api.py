"""Where the C API's header and its CMake package are, for the builds of extension modules."""

from __future__ import annotations

from pathlib import Path

__all__ = ["get_cmake_dir", "get_include"]

_PACKAGE = Path(__file__).parent


def get_include() -> str:
    """The folder of ``interlock.h``, for a compiler's ``-I``.

    Raises:
        FileNotFoundError: The package was installed without its header.
    """
    return _folder("include", "interlock.h")


def get_cmake_dir() -> str:
    """The folder of the CMake package: ``interlock_DIR`` for ``find_package(interlock CONFIG)``.

    Raises:
        FileNotFoundError: The package was installed without it.
    """
    return _folder("cmake", "interlock-config.cmake")


def _folder(name: str, file: str) -> str:
    # In a source tree, where `make develop` has built the core, the folder is the core's.
    places = (_PACKAGE / name, _PACKAGE.parent.parent / "native" / name)
    for place in places:
        if (place / file).is_file():
            return str(place)
    raise FileNotFoundError(
        f"{file} is not in {places[0]}: the package was installed without its C API. "
        "Install interlock anew, from a wheel or with pip."
    )
