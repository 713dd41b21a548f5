"""Willems's real supply chains (M&SOM 10, 2008): one chain as JSON, stages and arcs."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from dispatchopt.core.errors import InputError
from dispatchopt.inventory.guaranteed_service import NO_LIMIT, supply_chain
from dispatchopt.io.encodings.base import decode, parse_json
from dispatchopt.io.formats._base import Format, take_options
from dispatchopt.io.formats._vrp_text import text_of
from dispatchopt.io.instance import Instance
from dispatchopt.io.issues import Issues, Said

_OPTIONS: dict[str, tuple[type, Any, float, float]] = {"holding_rate": (float, 1.0, 0.0, 1000.0)}
_MOST_SNIFFED = 200_000_000
#: Key of a stage: default, least and greatest value.
_NUMBERS: dict[str, tuple[float | None, float, float]] = {
    "stageCost": (0.0, 0.0, 1e9),
    "stageTime": (0.0, 0.0, 10_000.0),
    "stdDevDemand": (0.0, 0.0, 1e9),
    "serviceLevel": (0.95, 0.5, 1 - 1e-9),
    "maxServiceTime": (None, 0.0, 10_000.0),
    "avgDemand": (None, 0.0, 1e12),
}


def _sniff(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size > _MOST_SNIFFED:
        return False
    with path.open("rb") as file:
        if file.read(1024).lstrip()[:1] != b"{":
            return False
    text = text_of(path.read_bytes())
    has_stages = re.search(r'"stages"\s*:\s*\[', text) and re.search(r'"arcs"\s*:\s*\[', text)
    return bool(has_stages and re.search(r'"(Stage Name|stageTime)"\s*:', text))


def _read(path: Path, options: Mapping[str, Any]) -> Instance:
    chosen = take_options(options, _OPTIONS)
    value = parse_json(decode(path.read_bytes(), path.name), path.name)
    issues = Issues()
    stages, arcs = _lists(value, path.name, issues)
    issues.raise_if_any()
    ids = _names(stages, path.name, issues)
    table = {
        key: [_number(stage, key, f"{path.name} /stages/{row}", issues)
              for row, stage in enumerate(stages)]
        for key in _NUMBERS
    }  # fmt: skip
    ends = _ends(arcs, ids, path.name, issues)
    issues.raise_if_any()
    asked = ~np.isnan(table["avgDemand"])
    most = np.array(table["maxServiceTime"])
    # A stage with demand from outside and no word on its service time delivers at once.
    most = np.where(np.isnan(most), np.where(asked, 0, NO_LIMIT), np.round(most))
    factor = np.array([_quantile(level) for level in table["serviceLevel"]])
    try:
        problem = supply_chain(
            time_periods=np.round(table["stageTime"]),
            added_cost=table["stageCost"],
            safety_units=np.where(asked, factor * np.array(table["stdDevDemand"]), 0.0),
            supplier=np.array([pair[0] for pair in ends], dtype=np.int64),
            customer=np.array([pair[1] for pair in ends], dtype=np.int64),
            max_service_periods=most,
            stage_ids=ids,
            holding_rate=chosen["holding_rate"],
        )
    except InputError as error:
        issues.extend(error.issues)
        issues.raise_if_any()
        raise
    notes = {
        "convention": "times rounded to whole periods, their spread left out; costs add up "
        "downstream; demand pooled as independent at every stage"
    }
    return Instance(
        name=f"chain {value.get('chain', path.stem)}",
        kind="guaranteed-service",
        problem=problem,
        source="Willems, Manufacturing & Service Operations Management 10, 2008",
        notes=notes,
        names={"stages": ids} if ids else {},
    )


def _lists(value: Any, source: str, issues: Issues) -> tuple[list[Any], list[Any]]:
    given = value if isinstance(value, dict) else {}
    found = []
    for key in ("stages", "arcs"):
        held = given.get(key)
        if not isinstance(held, list):
            issues.add("wrong-type", f"{source} /{key}", held, "a list")
            held = []
        found.append(held)
    for row, stage in enumerate(found[0]):
        if not isinstance(stage, dict):
            issues.add("wrong-type", f"{source} /stages/{row}", stage, "an object")
    return found[0], found[1]


def _names(stages: list[Any], source: str, issues: Issues) -> tuple[str, ...]:
    names: list[str] = []
    for row, stage in enumerate(stages):
        name, where = stage.get("Stage Name"), f"{source} /stages/{row}/Stage Name"
        if not isinstance(name, str) or not name:
            issues.add("wrong-type", where, name, "a name")
        elif name in names:
            issues.add("duplicate-id", where, name, "a name that no other stage has")
        names.append(str(name))
    return tuple(names)


def _number(stage: dict[str, Any], key: str, where: str, issues: Issues) -> float:
    default, low, high = _NUMBERS[key]
    value = stage.get(key)
    if value is None:
        return math.nan if default is None else default
    wanted = f"a number from {low:g} to {high:g}"
    if isinstance(value, bool) or not isinstance(value, int | float):
        issues.add("wrong-type", f"{where}/{key}", value, wanted)
        return low
    if not low <= value <= high:
        issues.add("out-of-range", f"{where}/{key}", value, wanted)
        return low
    return float(value)


def _ends(
    arcs: list[Any], ids: tuple[str, ...], source: str, issues: Issues
) -> list[tuple[int, int]]:
    number = {name: row for row, name in enumerate(ids)}
    ends = []
    for row, arc in enumerate(arcs):
        where = f"{source} /arcs/{row}"
        if not isinstance(arc, list) or len(arc) != 2:
            issues.add("wrong-type", where, arc, "a pair of names")
            continue
        unknown = [each for each in arc if not isinstance(each, str) or each not in number]
        if unknown:
            issues.add("unknown-reference", where, Said(repr(unknown[0])[:60]), "a name of stages")
            continue
        ends.append((number[arc[0]], number[arc[1]]))
    return ends


def _quantile(level: float) -> float:
    from scipy.special import ndtri

    return float(ndtri(level))


FORMAT = Format(
    name="willems",
    sniff=_sniff,
    read=_read,
    options={"holding_rate": "share of its cost that a unit in stock costs (1)"},
)
