"""Documents: reading, writing, converting; solutions; formats of the field."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatchopt.io.instance import Instance
    from dispatchopt.io.reading import dumps, parse, parse_value, read, write

# Readers bring pydantic with them, which takes longer to import than most commands need.
_HOMES = {
    "Instance": "instance",
    "dumps": "reading",
    "parse": "reading",
    "parse_value": "reading",
    "read": "reading",
    "write": "reading",
}

__all__ = ["Instance", "dumps", "parse", "parse_value", "read", "write"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
