"""Formats of the field: a file here is one format, and exports ``FORMAT``."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dispatchopt.io.formats._base import Format


@functools.cache
def formats() -> Mapping[str, Format]:
    """Return the formats by name, in the order in which they are asked."""
    from dispatchopt.core.plugins import scan

    return scan(__name__, "FORMAT", group="dispatchopt.formats")


__all__ = ["formats"]
