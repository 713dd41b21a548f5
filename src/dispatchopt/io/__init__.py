"""Documents: reading, writing, converting; solutions; formats of the field."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dispatchopt.io.atomic import require_absent, write_bytes, write_folder, write_text
    from dispatchopt.io.conversion import convert
    from dispatchopt.io.formats.vroom import parse_vroom
    from dispatchopt.io.instance import Instance
    from dispatchopt.io.left_stock import read_lanes, read_left
    from dispatchopt.io.live import answer_text, parse_state, read_state, state_text
    from dispatchopt.io.naming import named_violations
    from dispatchopt.io.reading import dumps, parse, parse_value, read, write
    from dispatchopt.io.results import (
        parse_solution,
        read_solution,
        solution_text,
        solution_value,
        write_solution,
    )

# Readers bring pydantic with them, which takes longer to import than most commands need.
_HOMES = {
    "Instance": "instance",
    "answer_text": "live",
    "convert": "conversion",
    "dumps": "reading",
    "named_violations": "naming",
    "parse": "reading",
    "parse_solution": "results",
    "parse_state": "live",
    "parse_value": "reading",
    "parse_vroom": "formats.vroom",
    "read": "reading",
    "read_lanes": "left_stock",
    "read_left": "left_stock",
    "read_solution": "results",
    "read_state": "live",
    "require_absent": "atomic",
    "solution_text": "results",
    "solution_value": "results",
    "state_text": "live",
    "write": "reading",
    "write_bytes": "atomic",
    "write_folder": "atomic",
    "write_solution": "results",
    "write_text": "atomic",
}

__all__ = [
    "Instance",
    "answer_text",
    "convert",
    "dumps",
    "named_violations",
    "parse",
    "parse_solution",
    "parse_state",
    "parse_value",
    "parse_vroom",
    "read",
    "read_lanes",
    "read_left",
    "read_solution",
    "read_state",
    "require_absent",
    "solution_text",
    "solution_value",
    "state_text",
    "write",
    "write_bytes",
    "write_folder",
    "write_solution",
    "write_text",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
