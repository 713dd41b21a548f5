"""Headers as rows of key and value, and names of tables without slashes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from dispatchopt.io.encodings.base import dump_header, parse_json
from dispatchopt.io.issues import Issues

#: Keys whose value is free and is kept as JSON text.
_FREE = ("notes", "tables")
_LISTS = (*_FREE, "load_weight", "profiles", "unnamed")


def layer_name(table: str) -> str:
    """Return the name of a layer or sheet: ``network/nodes`` becomes ``network_nodes``."""
    return table.replace("/", "_")


def table_name(layer: str) -> str:
    """Return the table that a layer or sheet holds."""
    if layer.startswith("network_"):
        return layer.replace("_", "/", 1)
    return layer


def header_rows(header: Mapping[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    """Return a header as pairs: ``parameters.reach_m``, 3000. Lists and notes are JSON text."""
    dump_header(header)
    rows: list[tuple[str, Any]] = []
    for key, value in header.items():
        if isinstance(value, dict) and key not in _FREE:
            rows += header_rows(value, f"{prefix}{key}.")
        elif isinstance(value, dict | list):
            rows.append((f"{prefix}{key}", json.dumps(value, ensure_ascii=False, allow_nan=False)))
        else:
            rows.append((f"{prefix}{key}", value))
    return rows


def nested(pairs: Iterable[tuple[str, str, Any]], issues: Issues) -> dict[str, Any]:
    """Return the header that pairs stand for; each has its place, its key and its value."""
    header: dict[str, Any] = {}
    seen: set[str] = set()
    for place, path, cell in pairs:
        if path in seen:
            issues.add("duplicate-key", place, path, "each key once")
            continue
        seen.add(path)
        value = cell
        if isinstance(cell, str) and path.split(".")[-1] in _LISTS:
            value = parse_json(cell, place)
        *parents, last = path.split(".")
        into = header
        for parent in parents:
            inner = into.setdefault(parent, {})
            if not isinstance(inner, dict):
                issues.add("wrong-type", place, path, f"no key below {parent}")
                break
            into = inner
        else:
            if value is None and path not in ("name", "source"):
                # An empty cell says that there is nothing, as null does.
                into[last] = None
            else:
                into[last] = "" if value is None else value
    return header


__all__ = ["header_rows", "layer_name", "nested", "table_name"]
