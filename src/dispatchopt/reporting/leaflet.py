"""Leaflet's script and style, read from the installed package that ships them."""

from __future__ import annotations

import re
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from dispatchopt.core.errors import MissingPackageError

_PACKAGE = "django-js-lib-leaflet"
_FOLDER = "js_lib_leaflet/static/js_lib_leaflet/"


@cache
def leaflet_script() -> str:
    """Return leaflet.js with its licence note, without the pointer to a source map.

    Raises
    ------
    MissingPackageError
        If the package that ships it is not installed.
    """
    text = _read("leaflet.js")
    # Browsers' tools would look for the map beside the page.
    return re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE)


@cache
def leaflet_style() -> str:
    """Return leaflet.css without its images: the page has its own markers and layer list.

    Raises
    ------
    MissingPackageError
        If the package that ships it is not installed.
    """
    return re.sub(r"url\([^)]*\)", "none", _read("leaflet.css"))


def leaflet_version() -> str:
    """Return the version of Leaflet, such as ``1.9.4``."""
    found = re.search(r"Leaflet (\d+\.\d+\.\d+)", _read("leaflet.js")[:400])
    return found.group(1) if found else "unknown"


def _read(name: str) -> str:
    # The package's own module wants Django, so its files are found by its record, not by import.
    try:
        path = distribution(_PACKAGE).locate_file(_FOLDER + name)
    except PackageNotFoundError as error:
        raise MissingPackageError(_PACKAGE, "all") from error
    return Path(str(path)).read_text(encoding="utf-8")
