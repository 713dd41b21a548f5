"""Documents: reading, writing, converting; solutions; formats of the field."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatchopt.io.atomic import require_absent, write_folder, write_text
    from dispatchopt.io.convert import convert
    from dispatchopt.io.instance import Instance
    from dispatchopt.io.reading import dumps, parse, parse_value, read, write

# Readers bring pydantic with them, which takes longer to import than most commands need.
_HOMES = {
    "Instance": "instance",
    "convert": "convert",
    "dumps": "reading",
    "parse": "reading",
    "parse_value": "reading",
    "read": "reading",
    "require_absent": "atomic",
    "write": "reading",
    "write_folder": "atomic",
    "write_text": "atomic",
}

__all__ = [
    "Instance",
    "convert",
    "dumps",
    "parse",
    "parse_value",
    "read",
    "require_absent",
    "write",
    "write_folder",
    "write_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
