"""Which versions did the work."""

from __future__ import annotations

import platform
from importlib import metadata


def versions(*packages: str) -> dict[str, str]:
    """Return the versions of Python, dispatchopt and other distributions."""
    found = {"python": platform.python_version()}
    for package in ("dispatchopt", *packages):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "unknown"
    return found
